# Installs every component that is built: libraries, headers, a CMake package and pkg-config files.
#
# Each component has an export set of its own, so that the package's config loads only what was asked for. Third
# parties are always PRIVATE: users of a shared library never meet them, users of a static one must link them, and
# so only a static install names them.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/fpt_webhooks")
set(pkgconfig_dir "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

# How users find the third party behind a target that a component links: arguments of find_package; name for
# pkg-config; flags for those without one.
function(fpt_webhooks_describe_third_party target out_find out_requires out_libs)
    set(find "")
    set(requires "")
    set(libs "")
    if(target STREQUAL "OpenSSL::Crypto")
        set(find "OpenSSL 3.0 COMPONENTS Crypto")
        set(requires "libcrypto >= 3.0")
    elseif(target STREQUAL "CURL::libcurl")
        set(find "CURL 7.88")
        set(requires "libcurl >= 7.88")
    elseif(target STREQUAL "SQLite::SQLite3")
        set(find "SQLite3 3.40")
        set(requires "sqlite3 >= 3.40")
    elseif(target STREQUAL "httplib::httplib")
        set(find "cpp-httplib")
        set(requires "cpp-httplib >= 0.11")
    elseif(target STREQUAL "Boost::headers") # has no file for pkg-config, and needs none
        set(find "Boost 1.74")
    elseif(target STREQUAL "Threads::Threads")
        set(find "Threads")
        set(libs "-pthread")
    else()
        message(FATAL_ERROR "fpt_webhooks: describe ${target} in FptWebhooksInstall.cmake, or users of the static "
                            "library cannot find it")
    endif()
    set(${out_find} "${find}" PARENT_SCOPE)
    set(${out_requires} "${requires}" PARENT_SCOPE)
    set(${out_libs} "${libs}" PARENT_SCOPE)
endfunction()

# A relocatable prefix for the .pc files, if the folders allow one.
if(IS_ABSOLUTE "${pkgconfig_dir}")
    set(pc_prefix "${CMAKE_INSTALL_PREFIX}")
else()
    file(RELATIVE_PATH pc_prefix "/prefix/${pkgconfig_dir}" "/prefix")
    string(REGEX REPLACE "/$" "" pc_prefix "${pc_prefix}")
    set(pc_prefix "\${pcfiledir}/${pc_prefix}")
endif()
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_LIBDIR BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE pc_libdir)
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_INCLUDEDIR BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE pc_includedir)

get_property(components GLOBAL PROPERTY FPT_WEBHOOKS_COMPONENTS)
get_property(adapters GLOBAL PROPERTY FPT_WEBHOOKS_ADAPTERS)
set(package_needs "")       # lines of the package's config
set(umbrella_components "") # what fpt_webhooks.pc requires
foreach(component IN LISTS components adapters)
    set(target fpt_webhooks_${component})
    install(TARGETS ${target} EXPORT ${target}
            RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}"
            LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
            ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
            FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
            INCLUDES DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}") # for users whose CMake knows no file sets
    install(EXPORT ${target} NAMESPACE fpt_webhooks:: DESTINATION "${package_dir}"
            FILE fpt_webhooks-${component}-targets.cmake)

    get_target_property(library_type ${target} TYPE)
    get_property(needs GLOBAL PROPERTY FPT_WEBHOOKS_${component}_COMPONENTS)
    get_property(third_parties GLOBAL PROPERTY FPT_WEBHOOKS_${component}_PACKAGES)
    list(TRANSFORM needs REPLACE "^fpt_webhooks(::|_)" "")
    string(TOUPPER "-DFPT_WEBHOOKS_${component}_STATIC_DEFINE" pc_cflags)
    set(pc_libs "-L\${libdir} -l${target}")
    if(library_type STREQUAL "SHARED_LIBRARY")
        set(third_parties "")
        set(pc_cflags "")
    elseif(library_type STREQUAL "INTERFACE_LIBRARY")
        set(pc_cflags "")
        set(pc_libs "")
    endif()

    string(APPEND package_needs "    set(components_of_${component} ${needs})\n"
                                "    set(targets_of_${component} ${third_parties})\n")
    set(pc_requires_private "")
    set(pc_libs_private "")
    foreach(third_party IN LISTS third_parties)
        fpt_webhooks_describe_third_party(${third_party} find requires libs)
        string(APPEND package_needs "    set(package_of_${third_party} ${find})\n")
        list(APPEND pc_requires_private ${requires})
        list(APPEND pc_libs_private ${libs})
    endforeach()

    set(pc_name "${target}")
    set(pc_description "${PROJECT_DESCRIPTION} (component ${component})")
    list(TRANSFORM needs PREPEND "fpt_webhooks_" OUTPUT_VARIABLE pc_requires)
    list(TRANSFORM pc_requires APPEND " = ${PROJECT_VERSION}")
    list(JOIN pc_requires ", " pc_requires)
    list(JOIN pc_requires_private ", " pc_requires_private)
    list(JOIN pc_libs_private " " pc_libs_private)
    configure_file("${PROJECT_SOURCE_DIR}/cmake/fpt_webhooks.pc.in" "${PROJECT_BINARY_DIR}/pkgconfig/${target}.pc" @ONLY)
    install(FILES "${PROJECT_BINARY_DIR}/pkgconfig/${target}.pc" DESTINATION "${pkgconfig_dir}")
    if(NOT component MATCHES "^testing" AND NOT component IN_LIST adapters)
        list(APPEND umbrella_components "${target} = ${PROJECT_VERSION}")
    endif()
endforeach()

# The one-line user's header and .pc file; the target is made by the package's config, from what it has loaded.
install(TARGETS fpt_webhooks FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
set(pc_name "fpt_webhooks")
set(pc_description "${PROJECT_DESCRIPTION}")
set(pc_cflags "")
set(pc_libs "")
set(pc_requires_private "")
set(pc_libs_private "")
list(JOIN umbrella_components ", " pc_requires)
configure_file("${PROJECT_SOURCE_DIR}/cmake/fpt_webhooks.pc.in" "${PROJECT_BINARY_DIR}/pkgconfig/fpt_webhooks.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/pkgconfig/fpt_webhooks.pc" DESTINATION "${pkgconfig_dir}")

list(JOIN adapters " " package_adapters)
list(JOIN components " " package_components)
string(APPEND package_components " ${package_adapters}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/fpt_webhooks-config.cmake.in"
                              "${PROJECT_BINARY_DIR}/fpt_webhooks-config.cmake"
                              INSTALL_DESTINATION "${package_dir}"
                              NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/fpt_webhooks-config-version.cmake"
                                 COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/fpt_webhooks-config.cmake"
              "${PROJECT_BINARY_DIR}/fpt_webhooks-config-version.cmake"
        DESTINATION "${package_dir}")
if("httplib" IN_LIST adapters)
    install(FILES "${PROJECT_SOURCE_DIR}/cmake/Findcpp-httplib.cmake" DESTINATION "${package_dir}")
endif()
