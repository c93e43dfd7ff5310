# Every find_package is behind `if(NOT TARGET ...)`: the host may have brought the dependency already.
if(NOT TARGET OpenSSL::Crypto)
    find_package(OpenSSL 3.0 REQUIRED COMPONENTS Crypto)
endif()

# RapidJSON is header-only and private: its headers never reach a user, and src/core/rapidjson.hpp renames its
# namespace, so that a host may use another RapidJSON beside ours.
if(NOT FPT_WEBHOOKS_RAPIDJSON_INCLUDE_DIR)
    find_path(FPT_WEBHOOKS_RAPIDJSON_INCLUDE_DIR rapidjson/reader.h
              DOC "The folder that holds rapidjson/reader.h (Debian: rapidjson-dev)")
endif()
if(NOT FPT_WEBHOOKS_RAPIDJSON_INCLUDE_DIR)
    message(FATAL_ERROR "fpt_webhooks needs RapidJSON 1.1 to build (Debian: apt-get install rapidjson-dev); "
                        "or set FPT_WEBHOOKS_RAPIDJSON_INCLUDE_DIR")
endif()

if((FPT_WEBHOOKS_SENDER OR FPT_WEBHOOKS_RECEIVER OR FPT_WEBHOOKS_TESTING) AND NOT TARGET Threads::Threads)
    find_package(Threads REQUIRED)
endif()
if(FPT_WEBHOOKS_CURL AND NOT CMAKE_SYSTEM_NAME STREQUAL "Linux")
    message(FATAL_ERROR "fpt_webhooks: the component curl needs Linux (epoll); set FPT_WEBHOOKS_CURL to OFF and bring "
                        "a Transport of your own")
endif()
if(FPT_WEBHOOKS_CURL AND NOT TARGET CURL::libcurl)
    find_package(CURL 7.88 REQUIRED)
endif()
if((FPT_WEBHOOKS_SENDER_SQLITE OR FPT_WEBHOOKS_RECEIVER_SQLITE) AND NOT TARGET SQLite::SQLite3)
    find_package(SQLite3 3.40 REQUIRED)
endif()
if(FPT_WEBHOOKS_HTTPLIB AND NOT TARGET httplib::httplib)
    find_package(cpp-httplib QUIET)
    if(NOT TARGET httplib::httplib)
        message(FATAL_ERROR "fpt_webhooks: FPT_WEBHOOKS_HTTPLIB needs cpp-httplib 0.11 or later (Debian: apt-get install "
                            "libcpp-httplib-dev pkg-config); or set it to OFF")
    endif()
endif()
if(FPT_WEBHOOKS_BEAST)
    if(NOT TARGET Boost::headers)
        find_package(Boost 1.74 QUIET)
    endif()
    if(NOT TARGET Boost::headers)
        message(FATAL_ERROR "fpt_webhooks: FPT_WEBHOOKS_BEAST needs Boost 1.74 or later (Debian: apt-get install "
                            "libboost-dev); or set it to OFF")
    endif()
    if(NOT TARGET Threads::Threads)
        find_package(Threads REQUIRED)
    endif()
endif()
