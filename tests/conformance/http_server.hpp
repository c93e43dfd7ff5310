// A small HTTP/1.1 server for the receivers under test: one request for each connection, a thread for each.
#pragma once

#include <functional>

#include <fpt_webhooks/core/http.hpp>

namespace conformance_test {

struct Answer {
    fpt_webhooks::HttpResponse response = {};    // status 0: the connection is closed without an answer
    std::function<void()> after_sent = nullptr;  // runs when the peer has the answer
};

using Handler = std::function<Answer(const fpt_webhooks::HttpRequest&)>;

// How a server may get the reading of a body wrong.
struct ServerFlaws {
    bool takes_cut_bodies = false;  // a body that ends early is taken for a whole one
    bool reads_body_once = false;   // gives up on what has not come by then
};

// Serves a listening socket for ever.
[[noreturn]] void serve(int listener, const Handler& handler, ServerFlaws flaws = {});

}  // namespace conformance_test
