# SPDX-License-Identifier: Apache-2.0
# Run with cmake -P: compresses the dashboard's files and writes the C++ table that embeds them.
# ROOTS: folders, each followed by the prefix its files are served under, as "folder|prefix"; OUTPUT: the .cpp;
# WORK: a folder for the compressed ones.
function(type_of NAME VARIABLE)
  if(NAME MATCHES "\\.html$")
    set(type "text/html; charset=utf-8")
  elseif(NAME MATCHES "\\.js$")
    set(type "text/javascript; charset=utf-8")
  elseif(NAME MATCHES "\\.css$")
    set(type "text/css; charset=utf-8")
  elseif(NAME MATCHES "\\.svg$")
    set(type "image/svg+xml")
  elseif(NAME MATCHES "\\.webmanifest$")
    set(type "application/manifest+json")
  else()
    set(type "text/plain; charset=utf-8")
  endif()
  set(${VARIABLE} "${type}" PARENT_SCOPE)
endfunction()

set(entries "")
foreach(root IN LISTS ROOTS)
  string(REPLACE "|" ";" root "${root}")
  list(GET root 0 folder)
  list(GET root 1 prefix)
  file(GLOB_RECURSE names RELATIVE ${folder} ${folder}/*)
  foreach(name IN LISTS names)
    if(name STREQUAL "index.html" AND prefix STREQUAL "/assets/")
      list(APPEND entries "/\t${folder}/${name}")
    else()
      list(APPEND entries "${prefix}${name}\t${folder}/${name}")
    endif()
  endforeach()
endforeach()
list(SORT entries)  # by path (a tab is less than all that may stand in one): the reader searches by halves

file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})
set(labels "")
set(table "")
set(number 0)
foreach(entry IN LISTS entries)
  string(REPLACE "\t" ";" entry "${entry}")
  list(GET entry 0 path)
  list(GET entry 1 file)
  file(SIZE ${file} size)
  file(SHA256 ${file} hash)
  string(SUBSTRING ${hash} 0 20 hash)
  set(compressed ${WORK}/${number}.gz)
  execute_process(COMMAND ${GZIP} -9nc ${file} OUTPUT_FILE ${compressed} COMMAND_ERROR_IS_FATAL ANY)
  file(SIZE ${compressed} gzip_size)
  if(gzip_size GREATER_EQUAL size)
    set(gzip_size 0)
  endif()
  type_of(${file} type)
  string(APPEND labels "    \"bixws_asset_${number}: .incbin \\\"${file}\\\"\\n\"\n"
                       "    \"bixws_asset_${number}_gzip: .incbin \\\"${compressed}\\\"\\n\"\n")
  string(APPEND externs "extern const char bixws_asset_${number}[], bixws_asset_${number}_gzip[];\n")
  string(APPEND table "    {\"${path}\", \"${type}\", \"\\\"${hash}\\\"\",\n"
                      "     {bixws_asset_${number}, ${size}}, {bixws_asset_${number}_gzip, ${gzip_size}}},\n")
  math(EXPR number "${number} + 1")
endforeach()

file(WRITE ${OUTPUT} "// Written by cmake/EmbedFiles.cmake.
#include \"server/assets.h\"

__asm__(
    \".pushsection .rodata\\n\"
${labels}    \".popsection\\n\");
extern \"C\" {
${externs}}

namespace bixws::server {
namespace {
const EmbeddedFile kFiles[] = {
${table}};
}  // namespace
EmbeddedFiles embedded_files() { return {kFiles, std::size(kFiles)}; }
}  // namespace bixws::server
")
