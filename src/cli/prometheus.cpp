#include "cli/prometheus.hpp"

#include <string_view>

#include <fmt/core.h>

namespace fpt_webhooks::cli {
namespace {

void add_head(std::string& text, std::string_view name, std::string_view type, std::string_view help) {
    text += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
}

template <class Number>
void add(std::string& text, std::string_view name, std::string_view type, std::string_view help, Number value) {
    add_head(text, name, type, help);
    text += fmt::format("{} {}\n", name, value);
}

double seconds_of(std::chrono::microseconds duration) { return std::chrono::duration<double>(duration).count(); }

// Our buckets count what is below a bound, Prometheus' what is not above it: one duration in a million may differ.
void add_durations(std::string& text, const LatencyHistogram& histogram, std::chrono::microseconds sum) {
    constexpr std::string_view name = "fpt_webhooks_attempt_duration_seconds";
    add_head(text, name, "histogram", "How long finished attempts took.");
    std::uint64_t count = 0;
    for (std::size_t i = 0; i + 1 < histogram.size(); ++i) {
        count += histogram[i];
        text += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", name,
                            seconds_of(std::chrono::milliseconds(std::int64_t{1} << i)), count);
    }
    count += histogram.back();
    text += fmt::format("{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2}\n{0}_count {1}\n", name, count, seconds_of(sum));
}

}  // namespace

// Without what only a publishing process has: run publishes nothing itself.
std::string prometheus_text(const DispatcherMetrics& metrics) {
    std::string text;
    add_head(text, "fpt_webhooks_build_info", "gauge", "The release that runs.");
    text += "fpt_webhooks_build_info{version=\"" FPT_WEBHOOKS_VERSION "\"} 1\n";

    add(text, "fpt_webhooks_attempts_total", "counter", "Attempts started.", metrics.attempts);
    add(text, "fpt_webhooks_failed_attempts_total", "counter", "Attempts that failed.", metrics.failed_attempts);
    add(text, "fpt_webhooks_delivered_total", "counter", "Deliveries that a 2xx ended.", metrics.delivered);
    add(text, "fpt_webhooks_exhausted_total", "counter", "Deliveries given up, attempts or window used up.",
        metrics.exhausted);
    add(text, "fpt_webhooks_dropped_total", "counter", "Queued deliveries that were withdrawn.", metrics.dropped);
    add(text, "fpt_webhooks_disabled_total", "counter", "Subscriptions disabled after failures.", metrics.disabled);
    add(text, "fpt_webhooks_commits_total", "counter", "Commits of the store.", metrics.commits);
    add(text, "fpt_webhooks_notices_lost_total", "counter", "Events that the log was too slow for.",
        metrics.notices_lost);
    add_durations(text, metrics.attempt_latency, metrics.attempt_latency_sum);

    add(text, "fpt_webhooks_in_flight_attempts", "gauge", "Attempts that have started and not come back.",
        metrics.in_flight);
    add(text, "fpt_webhooks_pending_deliveries", "gauge", "Deliveries without an end.", metrics.pending);
    add(text, "fpt_webhooks_oldest_pending_age_seconds", "gauge",
        "Time since the oldest pending delivery was queued, 0 for none.",
        seconds_of(metrics.oldest_pending_age.value_or(std::chrono::milliseconds(0))));
    add(text, "fpt_webhooks_store_failing", "gauge",
        "1 while the store takes no writes, or does not give what is asked.", metrics.store_failing ? 1 : 0);
    return text;
}

}  // namespace fpt_webhooks::cli
