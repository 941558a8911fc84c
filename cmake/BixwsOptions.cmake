# SPDX-License-Identifier: Apache-2.0
# Compiler flags that every target of the tree shares.
find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(pch_default OFF)  # ccache does not keep what was compiled with one
else()
  set(pch_default ON)
endif()
option(BIXWS_PCH "Precompile the headers of GoogleTest: a third of the time that a test takes to compile" ${pch_default})

# For builds that are made once and as a whole (CI's sanitizers, clang-tidy): a header is read once for eight sources.
option(BIXWS_UNITY "Compile several sources of a room, or several tests, at a time" OFF)
function(bixws_compile_together TARGET)
  set_target_properties(${TARGET} PROPERTIES UNITY_BUILD ${BIXWS_UNITY} UNITY_BUILD_BATCH_SIZE 8)
endfunction()

add_library(bixws_flags INTERFACE)
target_compile_options(bixws_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                                             -Wcast-align -Wimplicit-fallthrough -Wno-missing-field-initializers)
# g++ 12 sees overlapping copies, and with a precompiled header writes beyond the end, in std::string where there are
# none (GCC bugs 105329 and 105651).
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  target_compile_options(bixws_flags INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow)
endif()
if(BIXWS_WERROR)
  target_compile_options(bixws_flags INTERFACE -Werror)
endif()
if(BIXWS_SANITIZE)
  target_compile_options(bixws_flags INTERFACE -fsanitize=${BIXWS_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(bixws_flags INTERFACE -fsanitize=${BIXWS_SANITIZE})
  # With sanitizers, g++ 12 takes the inside of its own <regex> for uninitialized (GCC bug 105562).
  target_compile_options(bixws_flags INTERFACE $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  if(BIXWS_SANITIZE MATCHES "undefined")
    # Not vptr: it looks at an object through a pipe, and takes a full file table for a broken object.
    target_compile_options(bixws_flags INTERFACE -fno-sanitize-recover=undefined -fno-sanitize=vptr)
  endif()
endif()
if(BIXWS_COVERAGE)
  target_compile_options(bixws_flags INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(bixws_flags INTERFACE --coverage)
endif()
