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

if(KIGO_CUDA)
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES 90)
  endif()
  enable_language(CUDA)
  set(CMAKE_CUDA_STANDARD 20)
  set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)  # CMake 3.25 does not know that nvcc has it
endif()

# kigo_library(NAME DIR): a static library of DIR's sources, whose headers must each compile alone.
function(kigo_library name)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS *.cc)
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS *.h)
  add_library(${name} STATIC ${sources})
  target_sources(${name} PUBLIC FILE_SET HEADERS BASE_DIRS ${CMAKE_SOURCE_DIR} FILES ${headers})
  set_target_properties(${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON)
  target_link_libraries(${name} PUBLIC kigo_options)
endfunction()
