// The dispatcher's numbers in Prometheus' text format 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). docs/run.md lists them.
#pragma once

#include <string>

#include <fpt_webhooks/sender/metrics.hpp>

namespace fpt_webhooks::cli {

inline constexpr const char* prometheus_media_type = "text/plain; version=0.0.4; charset=utf-8";

[[nodiscard]] std::string prometheus_text(const DispatcherMetrics& metrics);

}  // namespace fpt_webhooks::cli
