# fpt_webhooks_add_component(<name> SOURCES ... HEADERS ... [PUBLIC ...] [PRIVATE ...])
#
# One library per component: target fpt_webhooks_<name>, alias fpt_webhooks::<name>. HEADERS are relative to
# include/; each is compiled alone by the header-set verification. PUBLIC holds other components, PRIVATE third
# parties: the installed package reads both (see FptWebhooksInstall.cmake). Nothing of the parent project is touched:
# every setting below is a property of our own target.
include(GenerateExportHeader)

function(fpt_webhooks_add_component name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;HEADERS;PUBLIC;PRIVATE")
    set(target fpt_webhooks_${name})

    add_library(${target} ${arg_SOURCES})
    add_library(fpt_webhooks::${name} ALIAS ${target})

    list(TRANSFORM arg_HEADERS PREPEND "${PROJECT_SOURCE_DIR}/include/")
    # A folder for each component: fpt_webhooks.hpp asks for export.hpp to learn which ones its user links.
    set(generated "${PROJECT_BINARY_DIR}/generated/${name}")
    string(TOUPPER "FPT_WEBHOOKS_${name}" prefix)
    set(export_header "${generated}/fpt_webhooks/${name}/export.hpp")
    generate_export_header(${target} BASE_NAME ${prefix} EXPORT_FILE_NAME "${export_header}")
    get_target_property(library_type ${target} TYPE)
    if(library_type STREQUAL "STATIC_LIBRARY")
        target_compile_definitions(${target} PUBLIC ${prefix}_STATIC_DEFINE)
    endif()

    target_sources(${target} PUBLIC FILE_SET HEADERS
                   BASE_DIRS "${PROJECT_SOURCE_DIR}/include" "${generated}"
                   FILES ${arg_HEADERS} "${export_header}")
    target_compile_features(${target} PUBLIC cxx_std_20)
    target_link_libraries(${target} PUBLIC ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/src")
    set_target_properties(${target} PROPERTIES
        CXX_EXTENSIONS OFF
        CXX_VISIBILITY_PRESET hidden
        VISIBILITY_INLINES_HIDDEN ON
        POSITION_INDEPENDENT_CODE ON # a host may link the static library into its own shared object
        VERSION ${PROJECT_VERSION}
        SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
        INSTALL_RPATH "$ORIGIN" # one shared component finds the next beside itself, wherever they are installed
        EXPORT_NAME ${name})
    set_property(GLOBAL APPEND PROPERTY FPT_WEBHOOKS_COMPONENTS ${name})
    set_property(GLOBAL PROPERTY FPT_WEBHOOKS_${name}_COMPONENTS ${arg_PUBLIC})
    set_property(GLOBAL PROPERTY FPT_WEBHOOKS_${name}_PACKAGES ${arg_PRIVATE})
endfunction()

# fpt_webhooks_add_adapter(<name> THIRD_PARTY ... HEADERS ...): an INTERFACE library, target fpt_webhooks_<name>, alias
# fpt_webhooks::<name>, for headers between the receiver and a third party's HTTP server. Users meet that third party by
# these headers, so it is theirs to have; no other component links an adapter.
function(fpt_webhooks_add_adapter name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "THIRD_PARTY;HEADERS")
    set(target fpt_webhooks_${name})
    add_library(${target} INTERFACE)
    add_library(fpt_webhooks::${name} ALIAS ${target})
    list(TRANSFORM arg_HEADERS PREPEND "${PROJECT_SOURCE_DIR}/include/")
    target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}/include" FILES ${arg_HEADERS})
    target_compile_features(${target} INTERFACE cxx_std_20)
    target_link_libraries(${target} INTERFACE fpt_webhooks::receiver ${arg_THIRD_PARTY})
    set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
    set_property(GLOBAL APPEND PROPERTY FPT_WEBHOOKS_ADAPTERS ${name})
    set_property(GLOBAL PROPERTY FPT_WEBHOOKS_${name}_COMPONENTS fpt_webhooks::receiver)
    set_property(GLOBAL PROPERTY FPT_WEBHOOKS_${name}_PACKAGES ${arg_THIRD_PARTY})
endfunction()
