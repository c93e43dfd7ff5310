// Subscriptions are managed by one process while `fpt-webhooks run` delivers in another.
#include <csignal>

#include <fpt_webhooks/core/verifier.hpp>

#include "cli/endpoint.hpp"
#include "cli/store_program.hpp"

using namespace fpt_webhooks;
using namespace fpt_webhooks::test;
using namespace cli_test;

namespace {

// Does the signature of a request, as it came, hold under this secret?
bool verifies(const std::string& request, const std::string& secret) {
    const std::size_t end = request.find("\r\n\r\n");
    const std::string name = "X-FPT-Signature: ";
    const std::size_t begin = request.find(name);
    REQUIRE(end != std::string::npos);
    REQUIRE(begin < end);
    const std::string value = request.substr(begin + name.size(), request.find("\r\n", begin) - begin - name.size());
    const auto verifier =
        Verifier::create({.secrets = {TimedSecret(Secret(secret), Timestamp::min(), Timestamp::max(), "")}}).value();
    const std::string body = request.substr(end + 4);
    Headers headers;
    headers.add("X-FPT-Signature", value);
    return verifier.verify(headers, bytes_of(body)).has_value();
}

}  // namespace

TEST_CASE("fpt-webhooks run: what `subscriptions` changes meanwhile holds for the next delivery") {
    const StoreProgram store;
    Endpoint first(response_of(200));
    Endpoint second(response_of(200));
    const TemporaryFile authorities(first.authority.certificate_pem() + second.authority.certificate_pem());
    RunningProgram program =
        store.start({"run", "--cacert", authorities.path(), "--allow-address", "127.0.0.1", "--poll-interval", "20ms"});
    REQUIRE(program.wait_for("running"));
    int published = 0;
    const auto publish = [&] {
        ++published;
        const Ended ended = store.publish(event_line(published) + "\n");
        CAPTURE(ended.err);
        REQUIRE(ended.status == 0);
    };
    const auto manage = [&](const std::vector<std::string>& arguments) {
        const Ended ended = store.subscriptions(arguments);
        CAPTURE(arguments, ended.err);
        REQUIRE(ended.status == 0);
        return ended.out;
    };

    const std::string id = store.create(first.url());
    const std::string secret = field_of(manage({"generate-key", id, "--json"}), "secret");
    publish();
    REQUIRE(first.server.wait_for_requests(1));
    CHECK(verifies(first.server.last_request(), secret));

    const std::string rotated = field_of(manage({"rotate", id, "--json"}), "secret");
    CHECK(rotated != secret);
    publish();
    REQUIRE(first.server.wait_for_requests(2));
    CHECK(verifies(first.server.last_request(), rotated));
    CHECK_FALSE(verifies(first.server.last_request(), secret));

    manage({"edit", id, "--url", second.url(), "--allow-address", "127.0.0.1"});
    publish();
    REQUIRE(second.server.wait_for_requests(1));
    CHECK(first.server.requests() == 2);

    manage({"disable", id});
    publish();
    manage({"enable", id});
    publish();
    REQUIRE(second.server.wait_for_requests(2));
    CHECK(contains(second.server.last_request(), "\"contactId\":5"));  // without the fourth

    manage({"test", id, "--type", "contact.updated", "--cacert", authorities.path(), "--allow-address", "127.0.0.1"});
    CHECK(second.server.requests() == 3);
    program.signal(SIGTERM);
    CHECK(program.wait().status == 0);
    CHECK(second.server.requests() == 3);
}
