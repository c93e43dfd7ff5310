#include <fpt_webhooks/receiver/receiver.hpp>

#include <stdexcept>

#include "receiver_fixture.hpp"
#include "support/allocations.hpp"
#include "support/catch.hpp"

using namespace receiver_test;

namespace {

fw::ReceiverOptions good_options() { return {.endpoint = "crm", .secrets = {fw::Secret(secret_text)}}; }

std::string refusal(fw::ReceiverOptions options) {
    const auto receiver = fw::Receiver::create(std::move(options));
    return receiver ? "accepted" : receiver.error().message();
}

void replace_header(fw::HttpRequest& request, std::string_view name, std::vector<std::string> values) {
    fw::Headers headers;
    for (const auto& field : request.headers) {
        if (!fw::equals_ignoring_case(field.name, name)) headers.add(field.name, field.value);
    }
    for (auto& value : values) headers.add(std::string(name), std::move(value));
    request.headers = headers;
}

int status_with(const Fixture& f, std::string_view name, std::vector<std::string> values) {
    fw::HttpRequest request = f.sign(f.profile == fw::Profile::fpt ? FptEvent{}.body() : ufp_body("member_added"));
    replace_header(request, name, std::move(values));
    return f.handle(request).status;
}

}  // namespace

TEST_CASE("receiver: an unusable option is refused by its name") {
    CHECK(refusal(good_options()) == "accepted");
    const auto with = [](auto change) {
        auto options = good_options();
        change(options);
        return refusal(std::move(options));
    };
    CHECK(with([](auto& o) { o.endpoint = ""; }) == "invalid argument: endpoint: a name of 1 to 64 bytes is needed");
    CHECK(with([](auto& o) { o.endpoint.assign(65, 'x'); }) ==
          "invalid argument: endpoint: a name of 1 to 64 bytes is needed");
    CHECK(with([](auto& o) { o.body_bytes_max = 0; }) == "invalid argument: body_bytes_max: at least 1 is needed");
    CHECK(with([](auto& o) { o.lease = 0ms; }) == "invalid argument: lease: more than zero and at most 24 h");
    CHECK(with([](auto& o) { o.lease = 25h; }) == "invalid argument: lease: more than zero and at most 24 h");
    CHECK(with([](auto& o) { o.busy_wait = -1ms; }) == "invalid argument: busy_wait: negative");
    CHECK(with([](auto& o) { o.retry_after = -1s; }) == "invalid argument: retry_after: negative");
    CHECK_THAT(with([](auto& o) { o.secrets.clear(); }), Catch::Matchers::Contains("secret"));
    CHECK_THAT(with([](auto& o) { o.tolerance = -1s; }), Catch::Matchers::Contains("tolerance"));
}

TEST_CASE("receiver: FPT needs a secret of 32 characters, UFP any but the empty one") {
    const auto with = [](fw::Profile profile, std::string_view secret) {
        auto options = good_options();
        options.profile = profile;
        options.secrets = {fw::Secret(secret)};
        return refusal(std::move(options));
    };
    CHECK_THAT(with(fw::Profile::fpt, std::string(31, 's')), Catch::Matchers::Contains("32"));
    CHECK(with(fw::Profile::fpt, std::string(32, 's')) == "accepted");
    CHECK(with(fw::Profile::ufp, "s") == "accepted");
    CHECK(with(fw::Profile::ufp, "") != "accepted");
}

TEST_CASE("receiver: a signed event is processed and answered 200") {
    Fixture f;
    f.receiver->on_any([](const fw::EventView&) {});
    const fw::HttpResponse response = f.handle(f.sign(FptEvent{}.body()));
    CHECK(response.status == 200);
    CHECK(response.body == "processed");
    CHECK(response.headers.empty());
    CHECK(f.last().outcome == fw::HandleOutcome::processed);
    CHECK(f.last().status == 200);
    CHECK_FALSE(f.last().error.has_value());
    CHECK(f.last().endpoint == "crm");
    CHECK(f.last().event_type == "contact.status_changed");
    CHECK(f.last().idempotency_key == "9f1c7e2a8c4d4b1b9e3f5a6d7c8b9a0e");
    CHECK(f.last().secret_index == 0u);
}

TEST_CASE("receiver: any method but POST is answered 405, and told which is allowed") {
    Fixture f;
    for (const char* method : {"GET", "PUT", "HEAD", "OPTIONS", "post", "POST ", ""}) {
        fw::HttpRequest request = f.sign(FptEvent{}.body());
        request.method = method;
        const fw::HttpResponse response = f.handle(request);
        CHECK(response.status == 405);
        CHECK(response.headers.find("Allow") == "POST");
        CHECK(f.last().outcome == fw::HandleOutcome::wrong_method);
    }
}

TEST_CASE("receiver: FPT takes one application/json with any parameters, all else is answered 415") {
    const Fixture f;
    for (const char* good : {"application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8",
                             " application/json ;x=y", "application/json;"}) {
        CHECK(status_with(f, "content-type", {good}) == 200);
    }
    for (const char* bad : {"", "text/plain", "application/jsonp", "application/json, text/plain", "application/x-json",
                            "application/ json", ";application/json", "application/problem+json"}) {
        CHECK(status_with(f, "Content-Type", {bad}) == 415);
        CHECK(f.last().outcome == fw::HandleOutcome::wrong_media_type);
        CHECK(f.last().error->detail() == "Content-Type: not application/json");
    }
    CHECK(status_with(f, "Content-Type", {}) == 415);
    CHECK(f.last().error->detail() == "Content-Type: missing");
    CHECK(status_with(f, "Content-Type", {"application/json", "application/json"}) == 415);
    CHECK(f.last().error->detail() == "Content-Type: more than one");
}

TEST_CASE("receiver: UFP takes any media type or none, once") {
    const Fixture f({.profile = fw::Profile::ufp});
    CHECK(status_with(f, "Content-Type", {}) == 200);
    for (const char* good : {"application/json", "text/plain", "application/x-www-form-urlencoded", ""}) {
        CHECK(status_with(f, "Content-Type", {good}) == 200);
    }
    CHECK(status_with(f, "Content-Type", {"application/json", "application/json"}) == 415);
}

TEST_CASE("receiver: an encoded body is answered 415, since its raw bytes may be gone") {
    for (const auto profile : {fw::Profile::fpt, fw::Profile::ufp}) {
        const Fixture f({.profile = profile});
        CHECK(status_with(f, "Content-Encoding", {"identity"}) == 200);
        CHECK(status_with(f, "content-encoding", {" IDENTITY "}) == 200);
        for (const char* bad : {"gzip", "", "identity, gzip", "br"}) {
            CHECK(status_with(f, "Content-Encoding", {bad}) == 415);
            CHECK(f.last().error->detail() == "Content-Encoding: only identity is accepted");
        }
        CHECK(status_with(f, "Content-Encoding", {"identity", "gzip"}) == 415);
        CHECK(status_with(f, "Content-Encoding", {"identity", "identity"}) == 415);
    }
}

TEST_CASE("receiver: a 415 names what would be accepted") {
    const Fixture fpt;
    fw::HttpRequest request = fpt.sign(FptEvent{}.body());
    replace_header(request, "Content-Type", {"text/plain"});
    CHECK(fpt.handle(request).headers == fw::Headers{{"Accept-Encoding", "identity"}, {"Accept", "application/json"}});
    const Fixture ufp({.profile = fw::Profile::ufp});
    request.headers.add("Content-Encoding", "gzip");
    CHECK(ufp.handle(request).headers == fw::Headers{{"Accept-Encoding", "identity"}});
}

TEST_CASE("receiver: a body over the limit is answered 413, one at the limit is read") {
    const std::string body = FptEvent{}.body();
    const Fixture roomy({.body_bytes_max = body.size()});
    CHECK(roomy.handle(roomy.sign(body)).status == 200);
    const Fixture tight({.body_bytes_max = body.size() - 1});
    CHECK(tight.handle(tight.sign(body)).status == 413);
    CHECK(tight.last().outcome == fw::HandleOutcome::too_large);
    CHECK(tight.last().error == fw::Errc::limit_exceeded);
}

TEST_CASE("receiver: every fault of the signature is answered by one and the same response") {
    Fixture f;
    const std::string body = FptEvent{}.body();
    const fw::HttpRequest good = f.sign(body);
    const std::string signature(good.headers.find("X-FPT-Signature").value());
    const std::string hex = signature.substr(signature.find("v1=") + 3);
    const auto with_signature = [&](std::vector<std::string> values) {
        fw::HttpRequest request = good;
        replace_header(request, "X-FPT-Signature", std::move(values));
        return request;
    };
    fw::HttpRequest tampered = good;
    tampered.body.back() = ' ';
    fw::HttpRequest empty = good;
    empty.body.clear();
    fw::HttpRequest other_vendor = with_signature({});
    other_vendor.headers.add("X-UFP-Signature", hex);

    struct Row {
        const char* fault;
        fw::HttpRequest request;
        fw::Errc cause;
    };
    const Row rows[] = {
        {"no header", with_signature({}), fw::Errc::signature_missing},
        {"another vendor's header", other_vendor, fw::Errc::signature_missing},
        {"no time", with_signature({"v1=" + hex}), fw::Errc::signature_missing},
        {"no signature", with_signature({"t=1717023600"}), fw::Errc::signature_missing},
        {"empty", with_signature({""}), fw::Errc::signature_malformed},
        {"time is no number", with_signature({"t=now,v1=" + hex}), fw::Errc::signature_malformed},
        {"time twice", with_signature({"t=1717023600," + signature}), fw::Errc::signature_malformed},
        {"header twice", with_signature({signature, signature}), fw::Errc::signature_malformed},
        {"header too long", with_signature({signature + ",x=" + std::string(4096, 'x')}),
         fw::Errc::signature_malformed},
        {"body changed", tampered, fw::Errc::signature_mismatch},
        {"body gone", empty, fw::Errc::signature_mismatch},
        {"another secret", f.sign(body, other_secret_text), fw::Errc::signature_mismatch},
        {"too old", f.sign_at(body, f.clock->now() - 301s), fw::Errc::timestamp_too_old},
        {"from the future", f.sign_at(body, f.clock->now() + 301s), fw::Errc::timestamp_in_future},
    };
    for (const Row& row : rows) {
        INFO(row.fault);
        const fw::HttpResponse response = f.handle(row.request);
        CHECK(response.status == 401);
        CHECK(response.body == "unauthorized");
        CHECK(response.headers.empty());
        CHECK(f.last().outcome == fw::HandleOutcome::unauthorized);
        REQUIRE(f.last().error.has_value());
        CHECK(*f.last().error == row.cause);
        CHECK(f.last().event_type.empty());
        CHECK(f.last().idempotency_key.empty());
        CHECK_FALSE(f.last().secret_index.has_value());
    }
    CHECK(f.handle(good).status == 200);
}

TEST_CASE("receiver: without a secret that is valid now the response is the same 401") {
    Fixture f({.secrets = {{fw::Secret(secret_text), fw::Timestamp::min(), fw::Timestamp(0s)}}});
    const fw::HttpResponse response = f.handle(f.sign(FptEvent{}.body()));
    CHECK(response.status == 401);
    CHECK(response.body == "unauthorized");
    CHECK(response.headers.empty());
    CHECK(*f.last().error == fw::Errc::no_active_secret);
}

TEST_CASE("receiver: a UFP request is refused alike, whether unsigned, malformed or signed with another secret") {
    Fixture f({.profile = fw::Profile::ufp});
    const std::string body = ufp_body("member_added");
    fw::HttpRequest unsigned_request;
    unsigned_request.body = body;
    fw::HttpRequest malformed = unsigned_request;
    malformed.headers.add("X-UFP-Signature", "sha256=abc");
    for (const auto& request : {unsigned_request, malformed, f.sign(body, "another")}) {
        const fw::HttpResponse response = f.handle(request);
        CHECK(response.status == 401);
        CHECK(response.body == "unauthorized");
        CHECK(response.headers.empty());
    }
}

TEST_CASE("receiver: the first fault in the documented order decides") {
    Fixture f({.body_bytes_max = 8});
    fw::HttpRequest request;  // wrong in every way
    request.method = "GET";
    request.headers.add("Content-Type", "text/plain");
    request.body = "no JSON at all";
    CHECK(f.handle(request).status == 405);
    request.method = "POST";
    CHECK(f.handle(request).status == 415);
    replace_header(request, "Content-Type", {"application/json"});
    CHECK(f.handle(request).status == 413);
    request.body = "{";
    CHECK(f.handle(request).status == 401);
    CHECK(f.handle(f.sign("{")).status == 400);
}

TEST_CASE("receiver: what is signed but no event is answered 400, with the place in the report") {
    Fixture f;
    f.receiver->on_any([](const fw::EventView&) { FAIL("no event was there to handle"); });
    FptEvent bad_id;
    bad_id.id = "not hex";
    for (const std::string& body : {std::string("{"), std::string(), std::string("[]"), bad_id.body(),
                                    FptEvent{}.body() + "x", std::string("\xff\xfe"), ufp_body("member_added")}) {
        const fw::HttpResponse response = f.handle(f.sign(body));
        CHECK(response.status == 400);
        CHECK(response.body == "unreadable");
        CHECK(f.last().outcome == fw::HandleOutcome::unreadable);
        REQUIRE(f.last().error.has_value());
        CHECK(f.last().error->offset().has_value());
        CHECK(f.last().secret_index == 0u);
    }
}

TEST_CASE("receiver: a refused signature costs no allocation, from request to response") {
    const auto receiver = fw::Receiver::create(good_options()).value();
    const auto count = [&](const fw::HttpRequest& request) {
        const std::size_t before = allocations();
        const fw::HttpResponse response = receiver->handle(request);
        const std::size_t made = allocations() - before;
        REQUIRE(response.status == 401);
        return made;
    };
    fw::HttpRequest request;
    request.headers.add("Content-Type", "application/json");
    request.body = FptEvent{}.body();
    CHECK(count(request) == 0);
    const std::string now = std::to_string(
        std::chrono::duration_cast<std::chrono::seconds>(fw::system_clock()->now().time_since_epoch()).count());
    replace_header(request, "X-FPT-Signature", {"t=" + now + ",v1=" + std::string(64, 'a')});
    CHECK(count(request) == 0);
    replace_header(request, "X-FPT-Signature", {"t=1717023600,v1=" + std::string(64, 'a')});
    CHECK(count(request) == 0);
}

TEST_CASE("receiver: during a rotation both secrets are good, and the report tells which one was used") {
    Fixture f({.secrets = {fw::Secret(other_secret_text), fw::Secret(secret_text)}});
    CHECK(f.send({.id = std::string(32, '1')}) == 200);
    CHECK(f.last().secret_index == 1u);
    CHECK(f.handle(f.sign(FptEvent{}.body(), other_secret_text)).status == 200);
    CHECK(f.last().secret_index == 0u);
}

TEST_CASE("receiver: the tolerance is an option") {
    const Fixture f({.tolerance = 10s});
    const std::string body = FptEvent{}.body();
    CHECK(f.handle(f.sign_at(body, f.clock->now() - 11s)).status == 401);
    CHECK(f.handle(f.sign_at(body, f.clock->now() - 10s)).status == 200);
}

TEST_CASE("receiver: counts its answers by outcome") {
    Fixture f;
    f.receiver->on<fw::ContactStatusChanged>([](const fw::Envelope&, const fw::ContactStatusChanged&) {});
    CHECK(f.receiver->stats().total() == 0);
    CHECK(f.handle({}).status == 415);
    CHECK(f.send({}) == 200);
    CHECK(f.send({}) == 200);
    CHECK(f.send({.type = "contact.created", .data = "{}"}) == 200);
    const fw::ReceiverStats stats = f.receiver->stats();
    CHECK(stats.count(fw::HandleOutcome::wrong_media_type) == 1);
    CHECK(stats.count(fw::HandleOutcome::processed) == 1);
    CHECK(stats.count(fw::HandleOutcome::duplicate) == 1);
    CHECK(stats.count(fw::HandleOutcome::unhandled) == 1);
    CHECK(stats.total() == 4);
    CHECK(f.reports.size() == 4);
}

TEST_CASE("receiver: what the observer throws changes no answer") {
    auto options = good_options();
    options.observer = [](const fw::HandleReport&) { throw std::runtime_error("observer"); };
    const auto receiver = fw::Receiver::create(std::move(options)).value();
    CHECK(receiver->handle({}).status == 415);
}

TEST_CASE("receiver: secrets come and go in its key ring, and reports name the one that signed") {
    const auto labelled = [](std::string_view text, const char* label) {
        return fw::TimedSecret(fw::Secret(text), fw::Timestamp::min(), fw::Timestamp::max(), label);
    };
    auto ring = fw::KeyRing::create({.secrets = {labelled(secret_text, "old")}}).value();
    const Fixture f({.key_ring = ring});
    f.receiver->on_any([](const fw::EventView&) {});
    CHECK(f.send({}) == 200);
    CHECK(f.last().secret_label == "old");
    ring->set({labelled(secret_text, "old"), labelled(other_secret_text, "new")}).value();
    CHECK(f.handle(f.sign(FptEvent{}.body(), other_secret_text)).status == 200);
    CHECK(f.last().secret_label == "new");
    CHECK(f.last().secret_index == 1u);
    ring->set({labelled(other_secret_text, "new")}).value();
    CHECK(f.send({}) == 401);
    CHECK(f.last().secret_label.empty());
    CHECK(ring->usage().at(0).uses == 1);

    auto both = good_options();
    both.key_ring = ring;
    CHECK_THAT(refusal(std::move(both)), Catch::Matchers::Contains("given beside a key_ring"));
    auto other_profile = good_options();
    other_profile.secrets.clear();
    other_profile.profile = fw::Profile::ufp;
    other_profile.key_ring = ring;
    CHECK_THAT(refusal(std::move(other_profile)), Catch::Matchers::Contains("made for the scheme fpt"));
}
