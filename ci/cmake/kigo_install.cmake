# The installed package: `cmake --install build/cpu --prefix DIR`, then find_package(kigo) with DIR in
# CMAKE_PREFIX_PATH gives kigo::core, kigo::compare, kigo::reference, kigo::pairs, kigo::laws and kigo::ffi, the C
# library (kigo::kernels too in a build with CUDA). Everything is found from the package's own place, so it may be
# moved. The program kigo is not part of it: its golden data is in the source tree.
if(KIGO_FUZZ OR KIGO_FAULTS OR KIGO_SANITIZE OR KIGO_COVERAGE)
  return()  # such libraries need the options of their build, and seeded faults never leave it
endif()
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

get_property(installed GLOBAL PROPERTY KIGO_INSTALLED)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/kigo)
install(TARGETS ${installed} EXPORT kigo ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
        FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/kigo
        FILE_SET first_of_source DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/kigo INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/kigo)
install(EXPORT kigo NAMESPACE kigo:: FILE kigo-targets.cmake DESTINATION ${package_dir})

# Pairs read the declarations of kernels, which a build without CUDA has no library for; those of the forward pass need
# CUDA's own headers.
if(NOT KIGO_CUDA)
  set(kernels ${OPS} ${KERNEL_SUPPORT})
  list(REMOVE_ITEM kernels ${REFERENCE_ONLY} loader weights kv_pages model)
  list(TRANSFORM kernels REPLACE "^.+$" "kernels/\\0.h")
  install(FILES ${kernels} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/kigo/kernels)
  install(FILES kernels/runtime/overlap.h kernels/runtime/stream.h
          DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/kigo/kernels/runtime)
endif()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/kigo-config.cmake.in ${CMAKE_BINARY_DIR}/package/kigo-config.cmake
                              INSTALL_DESTINATION ${package_dir})
# Before 1.0 every minor version may change what is declared.
write_basic_package_version_file(${CMAKE_BINARY_DIR}/package/kigo-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/package/kigo-config.cmake ${CMAKE_BINARY_DIR}/package/kigo-config-version.cmake
        DESTINATION ${package_dir})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/kigo)
