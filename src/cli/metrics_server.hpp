// /metrics and /healthz of a dispatcher, for what runs on the same machine.
#pragma once

#include <cstdint>
#include <future>
#include <string>

#include <httplib.h>

#include "cli/probe.hpp"

namespace fpt_webhooks::cli {

class MetricsServer {
  public:
    // Takes the port of 127.0.0.1, 0: any that is free; answers after start(). Throws Failure(machine).
    // `probe` must outlive it.
    MetricsServer(std::uint16_t port, Probe& probe);
    ~MetricsServer();
    MetricsServer(const MetricsServer&) = delete;
    MetricsServer& operator=(const MetricsServer&) = delete;

    void start();

    [[nodiscard]] std::string metrics_url() const;

  private:
    httplib::Server server_;
    int port_ = 0;
    std::future<void> listening_;
};

}  // namespace fpt_webhooks::cli
