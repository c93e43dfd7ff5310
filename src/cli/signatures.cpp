// keygen, sign, verify, explain: what can be said of a signature without a network.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <sstream>

#include <openssl/crypto.h>

#include <fpt_webhooks/core.hpp>
#include <fpt_webhooks/sender_sqlite/sqlite_store.hpp>
#include <fpt_webhooks/testing/manual_clock.hpp>

#include "cli/capture.hpp"
#include "cli/command.hpp"
#include "cli/console.hpp"
#include "cli/duration.hpp"
#include "cli/findings.hpp"
#include "cli/input.hpp"
#include "cli/json.hpp"

namespace fpt_webhooks::cli {
namespace {

// A key for a store, as it is given with --key-file: hex digits.
Secret make_store_key() {
    std::array<std::byte, store_key_bytes> bytes;
    need(system_random()->fill(bytes), "keygen");
    std::string text;
    text.reserve(2 * bytes.size());  // no reallocation: it would leave a part of the key behind
    for (const std::byte byte : bytes) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
    Secret key(text);
    OPENSSL_cleanse(bytes.data(), bytes.size());
    OPENSSL_cleanse(text.data(), text.size());
    return key;
}

void add_keygen(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("keygen", "A new signing secret, or a key for a store");
    const auto for_store = std::make_shared<bool>(false);
    app->add_flag("--store-key", *for_store, "A key under which a store keeps its secrets");
    app->footer("It stands on standard output and nowhere else: keep it where only those who\nneed it can read it.");
    commands.push_back({app, [&console, for_store] {
                            const Secret key =
                                *for_store ? make_store_key() : need(Secret::generate(*system_random()), "keygen");
                            const char* const name = *for_store ? "store_key" : "secret";
                            console.json
                                ? console.print(JsonText().begin_object().field(name, key.reveal()).end_object().text())
                                : console.print(key.reveal());
                            return ExitStatus::ok;
                        }});
}

// An option that the scheme has no use for is refused: who gives it expects something of it.
void refuse_option(bool useless, const char* option, const Scheme& scheme, const char* lacks) {
    if (!useless) return;
    throw Failure(ExitStatus::usage, fmt::format("{}: the scheme {} signs no {}", option, scheme.name, lacks));
}

// As the library's own limit.
constexpr std::chrono::seconds tolerance_max = std::chrono::years(100);

bool has_time(const Scheme& scheme) noexcept { return scheme.signed_text != SignedText::body; }

struct SignOptions {
    SecretSource secret = {};
    SchemeOption scheme = {};
    std::string body = "-";
    std::optional<std::string> time = {};
    std::optional<std::string> id = {};

    void add_to(CLI::App& app) {
        secret.add_to(app);
        scheme.add_to(app);
        app.add_option("--body", body, "File with the body alone; else standard input")->type_name("FILE");
        app.add_option("--timestamp", time, "When it is signed: seconds, or UTC; else now")->type_name("TIME");
        app.add_option("--id", id, "Id, for standard_webhooks only; else a new one")->type_name("ID");
    }

    [[nodiscard]] Headers sign() const {
        const Scheme& chosen = scheme.scheme();
        refuse_option(time && !has_time(chosen), "--timestamp", chosen, "time");
        refuse_option(id && chosen.id_header.empty(), "--id", chosen, "id");
        const Timestamp now = time ? parse_time(*time, "--timestamp") : system_clock()->now();
        const TimedSecret key = secret.all().front();
        const auto signer = Signer::create(chosen, key.secret);
        if (!signer) throw secret.unusable(key, signer.error());
        std::string message_id = id.value_or("");
        if (!id && !chosen.id_header.empty()) {
            message_id = "msg_" + need(EventId::generate(*system_clock(), *system_random()), "--id").to_string();
        }
        return need(signer->sign(bytes_of(read_input(body)), now, message_id), "sign");
    }
};

void print_headers(const Headers& headers, Console& console) {
    if (!console.json) {
        for (const auto& [name, value] : headers) console.print("{}: {}", name, value);
        return;
    }
    JsonText json;
    json.begin_object().key("headers").begin_object();
    for (const auto& [name, value] : headers) json.field(name, value);
    console.print(json.end_object().end_object().text());
}

void add_sign(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("sign", "The signature headers for a body, one a line");
    const auto options = std::make_shared<SignOptions>();
    options->add_to(*app);
    app->footer("Of several secrets in a file the first one signs.");
    commands.push_back({app, [&console, options] {
                            print_headers(options->sign(), console);
                            return ExitStatus::ok;
                        }});
}

// What verify and explain need to know beside the body.
struct CheckOptions {
    SecretSource secrets = {};
    SchemeOption scheme = {};
    std::vector<std::string> header_lines = {};
    std::string signature = {};
    std::optional<std::int64_t> tolerance = {};  // seconds
    std::optional<std::string> at = {};

    void add_to(CLI::App& app) {
        secrets.add_to(app);
        scheme.add_to(app);
        app.add_option("--header", header_lines, "Header of the request: 'Name: value'; repeatable")
            ->type_name("LINE")
            ->allow_extra_args(false);
        app.add_option("--signature", signature, "Value of the scheme's signature header alone")->type_name("VALUE");
        app.add_option("--tolerance", tolerance, "Seconds between signing and now; else the scheme's")
            ->type_name("SECONDS")
            ->transform(count_of(std::chrono::seconds(1)))
            ->check(CLI::Range(std::int64_t{0}, tolerance_max.count()));
        app.add_option("--at", at, "Check as of then: seconds, or UTC; else now")->type_name("TIME");
    }

    [[nodiscard]] bool has_headers() const noexcept { return !header_lines.empty() || !signature.empty(); }

    [[nodiscard]] Headers headers() const {
        Headers headers;
        for (const std::string& lines : header_lines) {  // what `sign` printed may be one argument
            std::istringstream rest(lines);
            for (std::string line; std::getline(rest, line);) {
                auto [name, value] = parse_header(line, "--header");
                headers.add(std::move(name), std::move(value));
            }
        }
        if (!signature.empty()) headers.add(std::string(scheme.scheme().signature_header), signature);
        return headers;
    }

    [[nodiscard]] VerifierOptions verifier() const {
        VerifierOptions options{.scheme = scheme.scheme()};
        refuse_option(tolerance && !has_time(options.scheme), "--tolerance", options.scheme, "time");
        if (tolerance) options.tolerance = std::chrono::seconds(*tolerance);
        if (at) options.clock = std::make_shared<testing::ManualClock>(parse_time(*at, "--at"));
        options.secrets = secrets.all();
        return options;
    }
};

struct VerifyOptions {
    CheckOptions check = {};
    std::string body = "-";

    void add_to(CLI::App& app) {
        check.add_to(app);
        app.add_option("--body", body, "File with the body alone; else standard input")->type_name("FILE");
    }

    [[nodiscard]] Result<Verification> verify() const {
        const Headers headers = check.headers();
        if (headers.empty()) {
            throw Failure(ExitStatus::usage, "no signature to verify",
                          "--header 'Name: value', once for each, or --signature VALUE");
        }
        const VerifierOptions options = check.verifier();
        check.secrets.check(options.secrets, options.scheme);
        const auto verifier = Verifier::create(options);
        if (!verifier) throw Failure(ExitStatus::input, verifier.error().detail());  // a validity that is none
        return verifier->verify(headers, bytes_of(read_input(body)));
    }
};

ExitStatus print_verdict(const Result<Verification>& verdict, Console& console) {
    if (console.json) {
        JsonText json;
        json.begin_object().field("verified", verdict.has_value());
        if (verdict) {
            json.field("secret", verdict->secret_label.text()).field("signed_at", verdict->signed_at);
        } else {
            json.field("reason", verdict.error().message());
        }
        console.print(json.end_object().text());
    } else if (verdict) {
        console.print("{}: secret \"{}\"{}", console.paint(Colour::green, "verified"), verdict->secret_label.text(),
                      verdict->signed_at ? ", signed " + console.time(*verdict->signed_at) : "");
    } else {
        console.print("{}: {}", console.paint(Colour::red, "not verified"), verdict.error().message());
        console.note("  for the likely cause: fpt-webhooks explain, with the same options");
    }
    return verdict ? ExitStatus::ok : ExitStatus::no;
}

void add_verify(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("verify", "Does a signature hold? Exit status 0 or 1");
    const auto options = std::make_shared<VerifyOptions>();
    options->add_to(*app);
    app->footer("Every secret of the file is tried; the verdict names the one that signed.");
    commands.push_back({app, [&console, options] { return print_verdict(options->verify(), console); }});
}

struct ExplainOptions {
    CheckOptions check = {};
    std::string capture = "-";
    std::string body = {};

    void add_to(CLI::App& app) {
        auto* const file = app.add_option("CAPTURE", capture, "File with the whole request, raw HTTP");
        file->type_name("FILE");  // for completions
        check.add_to(app);
        app.add_option("--body", body, "File with the body alone, beside --header")->type_name("FILE")->excludes(file);
        for (const char* const name : {"--header", "--signature"}) file->excludes(app.get_option(name));
    }

    [[nodiscard]] HttpRequest request() const {
        if (check.has_headers() || !body.empty()) {
            return {.headers = check.headers(), .body = read_input(body.empty() ? "-" : body)};
        }
        return parse_capture(read_input(capture), name_of_input(capture));
    }
};

ExitStatus print_explanation(const Explanation& explanation, Console& console) {
    if (!console.json) {
        console.print(explanation.to_string());
        return explanation.verified ? ExitStatus::ok : ExitStatus::no;
    }
    JsonText json;
    json.begin_object().field("verified", explanation.verified);
    write_findings(json, explanation);
    console.print(json.end_object().text());
    return explanation.verified ? ExitStatus::ok : ExitStatus::no;
}

// Two things that the library cannot know of a request: that it is an old one, and how its body came into the file.
void print_notes(const ExplainOptions& options, const HttpRequest& request, const Explanation& explanation,
                 Console& console) {
    const bool too_old = std::any_of(explanation.findings.begin(), explanation.findings.end(),
                                     [](const Finding& finding) { return finding.mistake == Mistake::too_old; });
    if (too_old && !options.check.at) {
        console.note("  for an old capture: --at TIME, the moment at which the request arrived");
    }
    if (!explanation.verified && request.headers.count("Transfer-Encoding") > 0) {
        console.note("  Transfer-Encoding: signed is the body without its chunks' sizes, a capture may have them");
    }
}

void add_explain(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("explain", "What is wrong with a signature, in words");
    const auto options = std::make_shared<ExplainOptions>();
    options->add_to(*app);
    app->footer("Without CAPTURE: standard input, raw HTTP; with --header or --signature it is\nthe body alone.");
    commands.push_back({app, [&console, options] {
                            const VerifierOptions verifier = options->check.verifier();
                            const HttpRequest request = options->request();
                            const Explanation explanation = explain(request, verifier);
                            const ExitStatus status = print_explanation(explanation, console);
                            print_notes(*options, request, explanation, console);
                            return status;
                        }});
}

}  // namespace

void add_signature_commands(CLI::App& parent, Console& console, Commands& commands) {
    add_keygen(parent, console, commands);
    add_sign(parent, console, commands);
    add_verify(parent, console, commands);
    add_explain(parent, console, commands);
}

}  // namespace fpt_webhooks::cli
