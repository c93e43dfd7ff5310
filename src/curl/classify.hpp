// What a libcurl result means for a delivery that got no answer.
#pragma once

#include <curl/curl.h>

#include <fpt_webhooks/core/error.hpp>

namespace fpt_webhooks::inline v0_1::detail {

// How far an attempt came, beside libcurl's word on it.
struct Progress {
    unsigned sends = 0;             // requests begun: libcurl repeats one whose kept connection was dead
    bool body_sent = false;         // all of the body was handed to the system
    bool interim_only = false;      // libcurl is content, but no final header section came
    bool response_refused = false;  // a limit of ours ended the header section
    bool proxied = false;
    int socket_errno = 0;   // opening a socket failed with it
    int connect_errno = 0;  // the only dial failed with it
};

// Never of Errc::refused_by_policy: whoever refused knows the reason.
[[nodiscard]] Error classify(CURLcode code, const Progress& progress);

}  // namespace fpt_webhooks::inline v0_1::detail
