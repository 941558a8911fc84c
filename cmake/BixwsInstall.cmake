# SPDX-License-Identifier: Apache-2.0
# make install and make deb: the binary, its plugins, and the SDK with which others build plugins.
include(CMakePackageConfigHelpers)

set(sdk_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/bixws)
install(DIRECTORY core/sdk/bixws DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT sdk FILES_MATCHING PATTERN "*.h")
install(TARGETS bixws_sdk EXPORT bixwsTargets COMPONENT sdk)
install(TARGETS bixws_client EXPORT bixwsTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_COMPONENT sdk)
install(EXPORT bixwsTargets NAMESPACE bixws:: DESTINATION ${sdk_cmake_dir} COMPONENT sdk)
configure_package_config_file(cmake/bixwsConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/bixwsConfig.cmake
  INSTALL_DESTINATION ${sdk_cmake_dir}
  PATH_VARS CMAKE_INSTALL_LIBDIR)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/bixwsConfigVersion.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/bixwsConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/bixwsConfigVersion.cmake
  DESTINATION ${sdk_cmake_dir} COMPONENT sdk)
install(FILES LICENSE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/bixws)
install(FILES packaging/config.yaml DESTINATION ${CMAKE_INSTALL_DATADIR}/bixws)
install(DIRECTORY packaging/monitoring DESTINATION ${CMAKE_INSTALL_DATADIR}/bixws)
install(FILES packaging/bixws.service DESTINATION lib/systemd/system)

set(CPACK_PACKAGE_VENDOR "bixws")
set(CPACK_PACKAGE_CONTACT "bixws maintainers <maintainers@bixws.invalid>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "Live crypto market data on your own machine, and a time machine for it")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_COMPONENTS_ALL Unspecified sdk)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_NAME bixws)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_DEPENDS "ca-certificates, adduser")
# The configuration and the user are made by postinst: an upgrade never touches what is there.
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_CONTROL_EXTRA ${PROJECT_SOURCE_DIR}/packaging/postinst
  ${PROJECT_SOURCE_DIR}/packaging/prerm ${PROJECT_SOURCE_DIR}/packaging/postrm)
set(CPACK_DEBIAN_UNSPECIFIED_PACKAGE_CONTROL_STRICT_PERMISSION TRUE)
set(CPACK_DEBIAN_SDK_PACKAGE_NAME bixws-dev)
set(CPACK_DEBIAN_SDK_PACKAGE_SECTION libdevel)
include(CPack)
