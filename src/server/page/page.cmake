# SPDX-License-Identifier: Apache-2.0
#
# Puts the built-in page into the program: its files as raw strings, in page_files.cpp in the build
# folder. A changed file configures anew.
set(page_types html text/html css text/css js text/javascript)
file(GLOB page_files CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.html
     ${CMAKE_CURRENT_LIST_DIR}/*.css ${CMAKE_CURRENT_LIST_DIR}/*.js)
list(SORT page_files)
set(page_entries "")
foreach(file ${page_files})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
  get_filename_component(name ${file} NAME)
  get_filename_component(ending ${file} LAST_EXT)
  string(SUBSTRING ${ending} 1 -1 ending)
  list(FIND page_types ${ending} at)
  math(EXPR at "${at} + 1")
  list(GET page_types ${at} type)
  file(READ ${file} text)
  if(name STREQUAL "index.html")
    set(name "")
  endif()
  string(APPEND page_entries "      {\"/${name}\", \"${type}; charset=utf-8\", R\"page(${text})page\"},\n")
endforeach()
set(page_source ${CMAKE_CURRENT_BINARY_DIR}/page_files.cpp)
file(CONFIGURE OUTPUT ${page_source} @ONLY CONTENT [[
// Written by the build from src/server/page.
#include "server/page/built_in_page.h"

namespace weir {

std::vector<StaticPage> BuiltInPage() {
  return {
@page_entries@  };
}

}  // namespace weir
]])
