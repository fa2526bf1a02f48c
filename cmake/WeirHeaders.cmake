# SPDX-License-Identifier: Apache-2.0
#
# weir_check_headers(NAME BASE_DIRS ... FILES ... LIBS ...): the target NAME_verify_interface_header_sets
# compiles each header alone. The header set belongs to a library that exists for this only and is
# never installed: CMake skips PRIVATE sets silently, and a PUBLIC set of an installed library would
# have to be installed as well.
function(weir_check_headers name)
  cmake_parse_arguments(ARG "" "" "BASE_DIRS;FILES;LIBS" ${ARGN})
  add_library(${name} INTERFACE)
  target_sources(${name} INTERFACE FILE_SET HEADERS BASE_DIRS ${ARG_BASE_DIRS} FILES ${ARG_FILES})
  target_link_libraries(${name} INTERFACE ${ARG_LIBS})
  set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
endfunction()
