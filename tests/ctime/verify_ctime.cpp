// Signs and verifies with every secret byte marked undefined; valgrind reports any branch or address that depends on
// them. With --leak it makes that mistake on purpose.
#include <cstring>
#include <iostream>
#include <string>

#include <valgrind/memcheck.h>
#include <fpt_webhooks/core.hpp>
#ifdef FPT_WEBHOOKS_RECEIVER_STATIC_DEFINE
#include <fpt_webhooks/receiver.hpp>
#endif

namespace fw = fpt_webhooks;

namespace {

struct Case {
    const fw::Scheme* scheme;
    std::string public_prefix;  // of the secret; not marked
    std::string hidden;
};

// A secret whose bytes past the prefix valgrind takes for undefined.
fw::Secret hidden_secret(const Case& test) {
    fw::Secret secret(test.public_prefix + test.hidden);
    const std::string_view bytes = secret.reveal().substr(test.public_prefix.size());
    VALGRIND_MAKE_MEM_UNDEFINED(bytes.data(), bytes.size());
    return secret;
}

void publish(const fw::Headers& headers) {
    for (const auto& field : headers) VALGRIND_MAKE_MEM_DEFINED(field.value.data(), field.value.size());
}

bool run(const Case& test) {
    const auto clock = fw::system_clock();
    const std::string body = "{\"some\":\"body\"}";
    const fw::Secret other(std::string(test.public_prefix) + std::string(test.hidden.size(), 'A'));

    const auto signer = fw::Signer::create(*test.scheme, hidden_secret(test)).value();
    const auto verifier =
        fw::Verifier::create({.scheme = *test.scheme, .secrets = {other, hidden_secret(test)}}).value();
    const auto headers = signer.sign(fw::bytes_of(body), clock->now(), "msg_1").value();
    publish(headers);  // a signature that was sent is no secret

    const bool accepted = verifier.verify(headers, fw::bytes_of(body)).has_value();
    const bool refused = !verifier.verify(headers, fw::bytes_of(body + " ")).has_value();
    auto stream = verifier.begin(headers).value();
    stream.update(fw::bytes_of(body));
    const bool streamed = stream.finish().has_value();
    return accepted && refused && streamed;
}

#ifdef FPT_WEBHOOKS_RECEIVER_STATIC_DEFINE
// The same for a request on its whole way through a receiver: the answer tells the verdict and nothing else.
bool handle(const Case& test, fw::Profile profile) {
    const std::string body = "{}";
    const fw::Secret other(std::string(test.public_prefix) + std::string(test.hidden.size(), 'A'));
    const auto signer = fw::Signer::create(*test.scheme, hidden_secret(test)).value();
    const auto receiver =
        fw::Receiver::create({.endpoint = "ctime", .profile = profile, .secrets = {other, hidden_secret(test)}})
            .value();
    fw::HttpRequest request{.headers = signer.sign(fw::bytes_of(body), fw::system_clock()->now()).value()};
    publish(request.headers);
    request.headers.add("Content-Type", "application/json");
    request.body = body;
    const int read = receiver->handle(request).status;
    request.body += ' ';
    const int refused = receiver->handle(request).status;
    return read == 400 && refused == 401;  // signed, but no event
}
#endif

}  // namespace

int main(int argc, char* argv[]) {
    const Case cases[] = {
        {&fw::Scheme::fpt, "whsec_", "fpt_test_secret_32_chars_min!!x"},
        {&fw::Scheme::ufp, "", "any text that a user chose"},
        {&fw::Scheme::standard_webhooks, "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
    };
    if (argc > 1 && std::strcmp(argv[1], "--leak") == 0) {
        const fw::Secret secret = hidden_secret(cases[0]);
        return secret.reveal() == std::string_view("whsec_fpt_test_secret_32_chars_min!!y") ? 1 : 0;
    }
#ifdef FPT_WEBHOOKS_RECEIVER_STATIC_DEFINE
    if (!handle(cases[0], fw::Profile::fpt) || !handle(cases[1], fw::Profile::ufp)) {
        std::cerr << "wrong answer of a receiver\n";
        return 1;
    }
#endif
    for (const Case& test : cases) {
        if (run(test)) continue;
        std::cerr << "wrong verdict under scheme " << test.scheme->name << '\n';
        return 1;
    }
    return 0;
}
