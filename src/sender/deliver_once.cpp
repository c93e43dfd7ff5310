#include <fpt_webhooks/sender/deliver_once.hpp>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <utility>

namespace fpt_webhooks::inline v0_1 {
namespace {

// Shared by the waiter and the completion: the one that is done last frees it.
struct Mailbox {
    std::mutex mutex;
    std::condition_variable arrived;
    std::optional<TransportOutcome> outcome;
};

}  // namespace

Result<Transport::Token> start_delivery(Transport& transport, const Signer& signer, const Clock& clock,
                                        DeliveryRequest request, Transport::Completion done) {
    if (!request.policy) return Error(Errc::invalid_argument, "delivery: no endpoint policy");
    auto signature = signer.sign(bytes_of(request.body), clock.now(), request.message_id);
    if (!signature) return std::move(signature).error();

    Headers headers{{"Content-Type", std::string(content_type_of(request.profile))}};
    if (!request.user_agent.empty()) headers.add("User-Agent", std::move(request.user_agent));
    for (const auto& field : *signature) headers.add(field.name, field.value);
    return transport.start(
        {.http = {.url = std::move(request.url), .headers = std::move(headers), .body = std::move(request.body)},
         .policy = std::move(request.policy),
         .timeout = request.timeout,
         .connect_timeout = request.connect_timeout},
        std::move(done));
}

TransportOutcome deliver_once(Transport& transport, const Signer& signer, const Clock& clock, DeliveryRequest request) {
    const auto mailbox = std::make_shared<Mailbox>();
    const auto started =
        start_delivery(transport, signer, clock, std::move(request), [mailbox](TransportOutcome outcome) {
            const std::scoped_lock lock(mailbox->mutex);
            mailbox->outcome = std::move(outcome);
            mailbox->arrived.notify_one();
        });
    if (!started) return {.response = started.error()};
    std::unique_lock lock(mailbox->mutex);
    mailbox->arrived.wait(lock, [&] { return mailbox->outcome.has_value(); });
    return *std::move(mailbox->outcome);
}

}  // namespace fpt_webhooks::inline v0_1
