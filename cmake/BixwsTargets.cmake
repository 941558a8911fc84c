# SPDX-License-Identifier: Apache-2.0
# bixws_room: one static library per room of core/. bixws_plugin: one loadable feed or sink.
function(bixws_room NAME)
  cmake_parse_arguments(ROOM "" "" "DEPS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${NAME}/*.cpp)
  if(sources)
    add_library(bixws_${NAME} STATIC ${sources})
    target_link_libraries(bixws_${NAME} PUBLIC bixws_sdk ${ROOM_DEPS} PRIVATE bixws_flags)
    target_include_directories(bixws_${NAME} PUBLIC ${PROJECT_SOURCE_DIR}/core)
    bixws_compile_together(bixws_${NAME})
  else()
    add_library(bixws_${NAME} INTERFACE)
    target_link_libraries(bixws_${NAME} INTERFACE bixws_sdk ${ROOM_DEPS})
    target_include_directories(bixws_${NAME} INTERFACE ${PROJECT_SOURCE_DIR}/core)
  endif()
endfunction()

# A plugin sees the SDK headers and what it links, nothing else of the tree. Symbols are resolved when it is built and
# when it is loaded, never later: a missing one must be a message at start, not a crash at night.
function(bixws_plugin NAME)
  cmake_parse_arguments(PLUGIN "" "" "SOURCES;LIBRARIES" ${ARGN})
  add_library(bixws_plugin_${NAME} MODULE ${PLUGIN_SOURCES})
  target_link_libraries(bixws_plugin_${NAME} PRIVATE bixws_sdk bixws_flags ${PLUGIN_LIBRARIES})
  target_compile_definitions(bixws_plugin_${NAME} PRIVATE BIXWS_VERSION="${PROJECT_VERSION}")
  target_link_options(bixws_plugin_${NAME} PRIVATE -Wl,-z,now)
  if(NOT BIXWS_SANITIZE)
    target_link_options(bixws_plugin_${NAME} PRIVATE -Wl,--no-undefined)
  endif()
  set_target_properties(bixws_plugin_${NAME} PROPERTIES
    PREFIX "lib" OUTPUT_NAME bixws_${NAME} LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  set_property(GLOBAL APPEND PROPERTY BIXWS_PLUGIN_TARGETS bixws_plugin_${NAME})
  install(TARGETS bixws_plugin_${NAME} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}/bixws/plugins)
endfunction()
