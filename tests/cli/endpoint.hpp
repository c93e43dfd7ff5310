// An endpoint on this machine, over TLS, with an authority of its own.
#pragma once

#include <mutex>
#include <string>
#include <utility>

#include "support/certificates.hpp"
#include "support/server.hpp"
#include "support/temporary_file.hpp"

namespace cli_test {

struct Endpoint {
    // Answers with this until it is told another one.
    explicit Endpoint(const std::string& response)
        : Endpoint([this](fpt_webhooks::test::Connection& connection) {
              while (connection.read_request()) {
                  std::unique_lock lock(mutex);
                  const std::string next_one = next;
                  lock.unlock();
                  if (!connection.write(next_one)) return;
              }
          }) {
        answer(response);
    }
    explicit Endpoint(fpt_webhooks::test::Server::Script script)
        : server(std::move(script),
                 {.identity = authority.issue({.dns_names = {"localhost"}, .addresses = {"127.0.0.1"}})}) {}

    void answer(const std::string& response) {
        const std::lock_guard lock(mutex);
        next = response;
    }
    [[nodiscard]] std::string url() const { return server.url(); }

    std::mutex mutex;
    std::string next = {};
    fpt_webhooks::test::CertificateAuthority authority;
    fpt_webhooks::test::TemporaryFile ca_file{authority.certificate_pem()};
    fpt_webhooks::test::Server server;
};

}  // namespace cli_test
