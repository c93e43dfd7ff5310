#include <fpt_webhooks/testing/in_process_sender.hpp>

#include <utility>

#include "testing/course.hpp"

namespace fpt_webhooks::inline v0_1::testing {

class InProcessSender::State {
  public:
    SendingSide side;
    EventOrigin origin;
};

Result<InProcessSender> InProcessSender::create(InProcessSenderOptions options) {
    if (!options.handler) return Error(Errc::invalid_argument, "handler: a function is needed");
    auto side = SendingSide::create(options.secret, options.old_secret, options.future_secret, std::move(options.clock),
                                    std::move(options.random));
    if (!side) return std::move(side).error();
    side->failure_hook = std::move(options.failure_hook);
    side->exchange = [handler = std::move(options.handler)](const HttpRequest& request) -> Result<HttpResponse> {
        try {
            return handler(request);
        } catch (...) {
            return HttpResponse{.status = 500};
        }
    };
    return InProcessSender(std::make_unique<State>(State{*std::move(side), options.origin}));
}

InProcessSender::InProcessSender(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
InProcessSender::InProcessSender(InProcessSender&&) noexcept = default;
InProcessSender& InProcessSender::operator=(InProcessSender&&) noexcept = default;
InProcessSender::~InProcessSender() = default;

FaultyDelivery InProcessSender::deliver(const Envelope& event, Fault fault) {
    Course course(state_->side);
    run_fault(course, event, fault);
    return std::move(course.result());
}

FaultyDelivery InProcessSender::deliver_new(std::string_view event_type, JsonObject data, Fault fault) {
    auto event = make_envelope(event_type, std::move(data), state_->origin, *state_->side.clock, *state_->side.random);
    if (!event) return {.complaint = "the event cannot be made: " + event.error().message()};
    return deliver(*event, fault);
}

}  // namespace fpt_webhooks::inline v0_1::testing
