# SPDX-License-Identifier: Apache-2.0
#
# What others get: one static library weir::weir of all layers but the program's own, with the public
# headers, the program `weir` and the bundled model.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

add_library(weir_lib STATIC)
add_library(weir::weir ALIAS weir_lib)
set_target_properties(weir_lib PROPERTIES OUTPUT_NAME weir EXPORT_NAME weir LINKER_LANGUAGE CXX)
target_compile_features(weir_lib PUBLIC cxx_std_20)
target_include_directories(weir_lib INTERFACE
  $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
target_link_libraries(weir_lib PUBLIC tl::expected PRIVATE fmt::fmt Threads::Threads)
get_property(layers GLOBAL PROPERTY WEIR_LAYERS)
list(REMOVE_ITEM layers loadgen)
foreach(layer ${layers})
  target_sources(weir_lib PRIVATE $<TARGET_OBJECTS:weir_${layer}_obj>)
endforeach()

if(NOT WEIR_INSTALL)
  return()
endif()

install(TARGETS weir_lib EXPORT weir ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS weir_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/weir DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h")
if(EXISTS ${PROJECT_SOURCE_DIR}/models/weir-tiny/config.json)
  install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/weir-tiny
          DESTINATION ${CMAKE_INSTALL_DATADIR}/weir/models)
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/weir)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/weirConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/weirConfig.cmake
                              INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/weirConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(EXPORT weir NAMESPACE weir:: FILE weirTargets.cmake DESTINATION ${package_dir})
install(FILES ${PROJECT_BINARY_DIR}/weirConfig.cmake ${PROJECT_BINARY_DIR}/weirConfigVersion.cmake
        DESTINATION ${package_dir})
