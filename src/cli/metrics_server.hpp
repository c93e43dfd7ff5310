// /metrics and /healthz of a dispatcher, for what runs on the same machine.
#pragma once

#include <cstdint>
#include <future>
#include <string>

#include <httplib.h>

#include "cli/log.hpp"
#include "cli/probe.hpp"

namespace fpt_webhooks::cli {

class MetricsServer {
  public:
    // Takes the port of 127.0.0.1, 0: any that is free; answers after start(). Throws Failure(machine).
    // `probe` and `log` must outlive it.
    MetricsServer(std::uint16_t port, Probe& probe, Log& log);
    ~MetricsServer();
    MetricsServer(const MetricsServer&) = delete;
    MetricsServer& operator=(const MetricsServer&) = delete;

    // Should it have to end by itself, the log says so.
    void start();

    [[nodiscard]] std::string metrics_url() const;

  private:
    void listen();

    Log& log_;
    httplib::Server server_;
    int port_ = 0;
    std::future<void> listening_;
};

}  // namespace fpt_webhooks::cli
