# SPDX-License-Identifier: Apache-2.0
#
# Run by CTest with BUILD, CXX, GENERATOR, VERSION and WORK: install, configure the consumer
# against the installed package, build it, run it; and move the prefix first, so that a path of the
# build folder that slipped into the package is noticed.
function(run)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "${command}: ${result}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

function(expect_version)
  if(NOT output MATCHES "${VERSION}")
    message(FATAL_ERROR "wanted version ${VERSION}, found: ${output}")
  endif()
endfunction()

file(REMOVE_RECURSE ${WORK}/staged ${WORK}/prefix ${WORK}/consumer)
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/staged)
file(RENAME ${WORK}/staged ${WORK}/prefix)

run(${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/consumer -B ${WORK}/consumer -G ${GENERATOR}
    -D CMAKE_PREFIX_PATH=${WORK}/prefix -D CMAKE_CXX_COMPILER=${CXX} -D WANTED_VERSION=${VERSION})
run(${CMAKE_COMMAND} --build ${WORK}/consumer)
run(${WORK}/consumer/consumer)
expect_version()

run(${WORK}/prefix/bin/weir --version)
expect_version()
