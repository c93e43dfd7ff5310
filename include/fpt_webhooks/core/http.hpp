// An HTTP request and response as values: the seam to whatever server or client carries them.
#pragma once

#include <string>

#include <fpt_webhooks/core/headers.hpp>

namespace fpt_webhooks::inline v0_1 {

struct HttpRequest {
    std::string method = "POST";  // upper case, as on the wire
    std::string url = {};         // absolute when sending; when receiving, whatever the server has (it is not used)
    Headers headers = {};
    std::string body = {};  // the raw bytes, exactly as they arrived: never decompressed, never re-serialised
};

struct HttpResponse {
    int status = 0;
    Headers headers = {};
    std::string body = {};
};

}  // namespace fpt_webhooks::inline v0_1
