# Tests of what runs on a GPU. Without one they build, and say NOT RUN when run.

# kigo_gpu_labels(TARGET PREFIX): registers a program's tests. Suites named Gpu... need a device and have the label
# gpu, those named GpuLarge... slow besides; all others are unit tests that only this build has: labels unit and cuda.
# GPU tests run one at a time: they share the device's memory.
function(kigo_gpu_labels target prefix)
  if(KIGO_TEST_PARTS)
    kigo_register(${target} ${prefix} unit RESOURCE_LOCK gpu)
    return()
  endif()
  gtest_discover_tests(${target} TEST_PREFIX ${prefix} TEST_FILTER "-Gpu*:*/Gpu*" TEST_LIST ${target}_host_tests
                       PROPERTIES LABELS unit TIMEOUT 300 ENVIRONMENT OMP_WAIT_POLICY=passive DISCOVERY_TIMEOUT 60)
  gtest_discover_tests(${target} TEST_PREFIX ${prefix} TEST_FILTER "Gpu*:*/Gpu*-GpuLarge*" TEST_LIST ${target}_gpu_tests
                       PROPERTIES LABELS gpu TIMEOUT 600 ENVIRONMENT OMP_WAIT_POLICY=passive RESOURCE_LOCK gpu
                       DISCOVERY_TIMEOUT 60)
  gtest_discover_tests(${target} TEST_PREFIX ${prefix} TEST_FILTER "GpuLarge*" TEST_LIST ${target}_large_tests
                       PROPERTIES LABELS gpu TIMEOUT 1200 ENVIRONMENT OMP_WAIT_POLICY=passive RESOURCE_LOCK gpu
                       DISCOVERY_TIMEOUT 60)
  # A list of labels does not survive gtest_discover_tests: ctest sets it, once it has read the tests.
  set(labels ${CMAKE_CURRENT_BINARY_DIR}/${target}_labels.cmake)
  file(WRITE ${labels} "")
  foreach(tests_and_labels "${target}_host_tests|unit cuda" "${target}_large_tests|gpu slow")
    string(REGEX MATCH "^(.*)\\|(.*) (.*)$" _ ${tests_and_labels})
    file(APPEND ${labels} "if(${CMAKE_MATCH_1})
  set_tests_properties(\${${CMAKE_MATCH_1}} PROPERTIES LABELS \"${CMAKE_MATCH_2};${CMAKE_MATCH_3}\")
endif()
")
  endforeach()
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${labels})
endfunction()

# kigo_gpu_test(FOLDER [libraries...]): one test program of a folder's sources, which may use the kernels.
function(kigo_gpu_test folder)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/*.cc)
  string(REPLACE "/" "_" name ${folder})
  add_executable(${name}_test ${sources})
  target_link_libraries(${name}_test PRIVATE kigo_test_support kigo_kernels ${ARGN})
  kigo_gpu_labels(${name}_test ${folder}:)
endfunction()

# kigo_sanitized(TARGET FILTER [VARIABLE=value...]): the program's tests of the filter under each tool of
# compute-sanitizer, with these environment variables. Small cases only: it makes a kernel some hundred times slower.
function(kigo_sanitized target filter)
  foreach(tool memcheck racecheck initcheck synccheck)
    add_test(NAME sanitizer:${tool}:${target} COMMAND ${CMAKE_SOURCE_DIR}/ci/sanitize ${tool} $<TARGET_FILE:${target}>
                                                      --gtest_filter=${filter})
    set_tests_properties(sanitizer:${tool}:${target} PROPERTIES LABELS sanitizer TIMEOUT 1500 RESOURCE_LOCK gpu
                                                                SKIP_RETURN_CODE 77 ENVIRONMENT "${ARGN}")
  endforeach()
endfunction()
