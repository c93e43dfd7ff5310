#include <fpt_webhooks/testing_sender/transport_exchange.hpp>

#include <future>
#include <utility>

namespace fpt_webhooks::inline v0_1::testing {

Exchange transport_exchange(std::shared_ptr<Transport> transport, std::shared_ptr<const EndpointPolicy> policy,
                            std::chrono::milliseconds timeout) {
    return [transport = std::move(transport), policy = std::move(policy),
            timeout](const HttpRequest& request) -> Result<HttpResponse> {
        const auto promise = std::make_shared<std::promise<Result<HttpResponse>>>();
        auto response = promise->get_future();
        const auto started =
            transport->start({.http = request, .policy = policy, .timeout = timeout},
                             [promise](TransportOutcome outcome) { promise->set_value(std::move(outcome.response)); });
        if (!started) return started.error();
        return response.get();
    };
}

}  // namespace fpt_webhooks::inline v0_1::testing
