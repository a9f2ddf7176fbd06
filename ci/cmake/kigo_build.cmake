# How every target of the project is compiled: language level, warnings, sanitizers, ccache, verified header sets.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CUDA_COMPILER_LAUNCHER ${CCACHE})
endif()

add_library(kigo_options INTERFACE)
target_include_directories(kigo_options INTERFACE ${CMAKE_SOURCE_DIR})
# No contraction into fused multiply-adds: the reference's bits must not depend on the compiler's mood.
target_compile_options(
  kigo_options
  INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wconversion -Wshadow -Werror -ffp-contract=off>
            $<$<COMPILE_LANGUAGE:CUDA>:--expt-relaxed-constexpr -Werror=all-warnings
            -Xcompiler=-Wall,-Wextra>)
if(NOT KIGO_FUZZ)  # g++ leaves signs out of -Wconversion, and what is built with both must not fail in one of them
  target_compile_options(kigo_options INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-sign-conversion>)
endif()
if(KIGO_SANITIZE)
  target_compile_options(kigo_options INTERFACE -fsanitize=${KIGO_SANITIZE} -fno-sanitize-recover=all
                                                -fno-omit-frame-pointer)
  target_link_options(kigo_options INTERFACE -fsanitize=${KIGO_SANITIZE})
endif()
if(KIGO_COVERAGE)
  target_compile_options(kigo_options INTERFACE --coverage)
  target_link_options(kigo_options INTERFACE --coverage)
endif()
if(KIGO_FAULTS)
  target_compile_definitions(kigo_options INTERFACE KIGO_FAULTS=1)
endif()

# The thread sanitizer does not see OpenMP's own synchronisation, so that preset runs without.
if(NOT KIGO_SANITIZE MATCHES thread)
  find_package(OpenMP QUIET COMPONENTS CXX)
endif()

# The capabilities of this machine's GPUs, "90;100", empty without a GPU.
function(_kigo_native_architectures out)
  set(${out} "" PARENT_SCOPE)
  find_program(NVIDIA_SMI nvidia-smi)
  if(NOT NVIDIA_SMI)
    return()
  endif()
  execute_process(COMMAND ${NVIDIA_SMI} --query-gpu=compute_cap --format=csv,noheader OUTPUT_VARIABLE capabilities
                  RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(failed)
    return()
  endif()
  string(REGEX MATCHALL "[0-9]+\\.[0-9]+" capabilities "${capabilities}")
  list(TRANSFORM capabilities REPLACE "\\." "")
  list(REMOVE_DUPLICATES capabilities)
  set(${out} "${capabilities}" PARENT_SCOPE)
endfunction()

if(KIGO_CUDA)
  # Machine code and PTX for each architecture: those of this machine's GPUs, else Hopper, which PTX carries to
  # everything newer.
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    _kigo_native_architectures(native)
    if(native)
      set(CMAKE_CUDA_ARCHITECTURES ${native})
    else()
      set(CMAKE_CUDA_ARCHITECTURES 90)
    endif()
  endif()
  enable_language(CUDA)
  if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12.4)
    message(FATAL_ERROR "CUDA ${CMAKE_CUDA_COMPILER_VERSION} (${CMAKE_CUDA_COMPILER}), expected 12.4 or newer")
  endif()
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)  # CMake 3.25 does not know that nvcc has it
  # As numbers, also where the user wrote a word.
  set(KIGO_BUILT_ARCHITECTURES ${CMAKE_CUDA_ARCHITECTURES})
  if(CMAKE_CUDA_ARCHITECTURES STREQUAL "native")
    set(KIGO_BUILT_ARCHITECTURES ${CMAKE_CUDA_ARCHITECTURES_NATIVE})
  elseif(CMAKE_CUDA_ARCHITECTURES MATCHES "^all")
    set(KIGO_BUILT_ARCHITECTURES ${CMAKE_CUDA_ARCHITECTURES_ALL})
  endif()
  message(STATUS "CUDA ${CMAKE_CUDA_COMPILER_VERSION} for sm ${KIGO_BUILT_ARCHITECTURES}")
endif()

# What tests, pairs and the program do themselves is little: -O3 would cost more than it gives back. What computes runs many
# times as long as it compiles, also where a build has no type and so no level of its own (sanitizers, faults). Between the two
# are the program's parts: users are worth -O3 to them, tests are not.
set(KIGO_QUICK_BUILD $<$<AND:$<CONFIG:Release>,$<COMPILE_LANGUAGE:CXX>>:-O1>)
if(CMAKE_BUILD_TYPE STREQUAL "None" AND NOT CMAKE_CXX_FLAGS MATCHES "-O")
  set(KIGO_QUICK_BUILD $<$<COMPILE_LANGUAGE:CXX>:-O0>)
  set(KIGO_QUICK_RUN $<$<COMPILE_LANGUAGE:CXX>:-O1>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # What is inlined is instrumented once more each time: half of the time of compiling with sanitizers.
    list(APPEND KIGO_QUICK_RUN "$<$<COMPILE_LANGUAGE:CXX>:SHELL:-mllvm -inline-threshold=5>")
  endif()
  set(KIGO_QUICK_TOOLS ${KIGO_QUICK_RUN})
elseif(KIGO_QUICK)
  # g++ 12 sees uninitialised values at -O1 that it does not see at -O3, in the standard library's variant.
  set(KIGO_QUICK_TOOLS ${KIGO_QUICK_BUILD} $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>)
endif()

# kigo_library(NAME): a static library of the folder's sources, whose headers must each compile alone: those without a source
# of their own are compiled for that, the others are the first that their source includes.
function(kigo_library name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cc)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS *.h)
  kigo_library_of(${name} SOURCES ${sources} HEADERS ${headers})
endfunction()

# kigo_library_of(NAME SOURCES ... HEADERS ...): the same of some of a folder's files. Others see kigo::core for
# kigo_core, in this build and from the installed package, where the warnings and sanitizers of this build stay behind.
function(kigo_library_of name)
  cmake_parse_arguments(PARSE_ARGV 1 of "" "" "SOURCES;HEADERS")
  add_library(${name} STATIC ${of_SOURCES})
  foreach(header IN LISTS of_HEADERS)
    string(REGEX REPLACE "h$" "cc" source ${header})
    if(source IN_LIST of_SOURCES AND NOT CMAKE_UNITY_BUILD)
      list(APPEND first_of_source ${header})
    else()
      list(APPEND alone ${header})
    endif()
  endforeach()
  target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR} FILES ${alone}
                                FILE_SET first_of_source TYPE HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR} FILES ${first_of_source})
  string(REPLACE "kigo_" "" exported ${name})
  set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON INTERFACE_HEADER_SETS_TO_VERIFY HEADERS
                                           EXPORT_NAME ${exported})
  target_link_libraries(${name} PUBLIC $<BUILD_INTERFACE:kigo_options>)
  target_compile_features(${name} PUBLIC cxx_std_20)
  target_compile_options(${name} PRIVATE ${KIGO_QUICK_RUN})
  add_library(kigo::${exported} ALIAS ${name})
  set_property(GLOBAL APPEND PROPERTY KIGO_INSTALLED ${name})
endfunction()
