// manual: the page for man(1), in the macros of man(7). What the tree of commands tells is read from it; the rest is
// written below.
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/core.h>

#include "cli/command.hpp"
#include "cli/command_tree.hpp"
#include "cli/console.hpp"

namespace fpt_webhooks::cli {
namespace {

constexpr std::string_view description = R"(.SH DESCRIPTION
Signs, sends, receives, explains and looks after webhooks of FitProTracker (FPT) and FitnessForce (UFP): what the C++
library fpt_webhooks does within a program, done by hand.
.PP
Results go to standard output; notes, progress and errors to standard error.
On a terminal there are colours and aligned columns, with
.B \-\-json
one JSON value a line.
Times are in the local zone, with
.B \-\-utc
and in JSON in UTC.
Bytes that another machine chose are printed with control characters made visible.
.PP
An error is one line that says where and why, and often a second one with a way out.
.PP
Durations are whole numbers with a unit, such as 500ms, 30s, 5m, 24h or 7d.
.PP
Secrets and keys come from a file or from a variable of the environment, never from the command line, where other users
of the machine would see them. None is printed but by the command that makes it.
)";

constexpr std::string_view environment = R"(.SH ENVIRONMENT
.TP
named by \fB\-\-secret\-env\fR
A signing secret.
.TP
named by \fB\-\-key\-env\fR
The key of a store.
.TP
.B NO_COLOR
If it is set, to whatever, there are no colours.
.TP
.B TZ
The zone of times, see
.BR tzset (3).
.PP
Variables that configure proxies for other programs are not asked.
)";

constexpr std::string_view files = R"(.SH FILES
.TP
of \fB\-\-secret\-file\fR
One signing secret a line, as it was given to you, without quotes.
Behind it, each after a tab, may stand label=\fINAME\fR, not_before=\fITIME\fR and not_after=\fITIME\fR, as in
2026\-06\-10T00:00:00Z.
Empty lines and those that begin with # are skipped.
.TP
of \fB\-\-store\fR
A SQLite database.
The files beside it whose names end in \-wal, \-shm and \-dispatcher belong to it.
.TP
of \fB\-\-key\-file\fR
64 hex digits, made by
.BR "fpt\-webhooks keygen \-\-store\-key" .
In no backup of the store: keep a copy.
.TP
of \fB\-\-config\fR
TOML whose keys are the options of
.B fpt\-webhooks run
without their dashes.
.TP
\fICAPTURE\fR
An HTTP request as it came: request line, headers, an empty line, the body.
)";

struct ExampleText {
    std::string_view words;
    std::string_view commands;  // lines of a shell
};

constexpr ExampleText examples[] = {
    {"A secret, a signature, and its check", R"sh(fpt-webhooks keygen > secret.txt
echo '{"id":1}' > body.json
fpt-webhooks sign --secret-file secret.txt --body body.json > headers.txt
fpt-webhooks verify --secret-file secret.txt --body body.json \
    --header "$(cat headers.txt)"
)sh"},
    {"Why a receiver refuses a request",
     R"sh({ echo "POST /hooks HTTP/1.1"; cat headers.txt
  echo; cat body.json; } > request.http
fpt-webhooks explain --secret-file secret.txt request.http
)sh"},
    {"What FPT sends when a contact changes", "fpt-webhooks events contact\n"},
    {"A receiver, in one terminal", "fpt-webhooks listen --secret-file secret.txt\n"},
    {"A delivery to it, in another", R"sh(fpt-webhooks send https://127.0.0.1:8443/hooks --secret-file secret.txt \
    --cacert fpt-webhooks-ca.pem --allow-address 127.0.0.1
)sh"},
    {"A subscription, an event for it, and what became of that", R"sh(fpt-webhooks keygen --store-key > store.key
fpt-webhooks subscriptions create --store webhooks.db --key-file store.key \
    --as location:1234 --url https://partner.example/hooks --events 'contact.*'
echo '{"type":"contact.created","data":{"contactId":9876}}' |
    fpt-webhooks publish --store webhooks.db --key-file store.key --location 1234
fpt-webhooks deliveries list --store webhooks.db --key-file store.key
)sh"},
    {"The dispatcher on that store, with metrics for Prometheus",
     R"sh(fpt-webhooks run --store webhooks.db --key-file store.key --metrics-port 9464
)sh"},
};

constexpr std::string_view see_also = R"(.SH SEE ALSO
.BR curl (1),
.BR openssl\-dgst (1ssl),
.BR systemd.service (5)
.PP
In the library's documentation: getting\-started.md, fpt\-webhooks.md, schemes.md (the bytes of every signature) and
run.md (signals, log, metrics and the systemd unit of
.BR "fpt\-webhooks run" ).
)";

struct StatusText {
    ExitStatus status;
    std::string_view text;
};

constexpr StatusText statuses[] = {
    {ExitStatus::ok, "it worked, and if there was a question, the answer is yes"},
    {ExitStatus::no, "it worked, and the answer is no: not verified, not delivered, a scenario failed, a line refused"},
    {ExitStatus::usage, "unknown command or option, or a value that cannot be"},
    {ExitStatus::input, "a file, a secret or standard input cannot be read, is empty, too long or malformed"},
    {ExitStatus::store, "the store cannot be used: missing, locked, damaged, of a newer version, its disk full"},
    {ExitStatus::machine, "this machine: a port in use, no descriptors, output that cannot be written"},
    {ExitStatus::refused, "the request makes sense and is refused: not found, wrong state, forbidden, endpoint policy"},
    {ExitStatus::interrupted, "interrupted before the end: what was reported as done is done"},
};

// Text as roff prints it: a dash that can be copied, and no line that begins with a control character.
std::string roff(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool begins_line = out.empty() || out.back() == '\n';
        switch (c) {
            case '\\': out += "\\e"; break;
            case '-': out += "\\-"; break;
            case '\'': out += "\\(aq"; break;
            case '`': out += "\\(ga"; break;
            case '^': out += "\\(ha"; break;
            case '~': out += "\\(ti"; break;
            case '"': out += "\\(dq"; break;
            case '.': out += begins_line ? "\\&." : "."; break;
            default: out += c;
        }
    }
    return out;
}

std::string bold(std::string_view text) { return fmt::format("\\fB{}\\fR", roff(text)); }
std::string italic(std::string_view text) { return fmt::format("\\fI{}\\fR", roff(text)); }

void add_option(std::string& page, const TreeOption& option) {
    std::string names;
    for (const std::string& name : option.names) {
        names += (names.empty() ? "" : ", ") + (option.is_positional ? italic(name) : bold(name));
    }
    if (!option.type.empty()) names += " " + italic(option.type);
    if (option.is_required && !option.is_positional) names += " (needed)";
    page += fmt::format(".TP\n{}\n{}\n", names, roff(option.description));
}

bool is_help(const TreeOption& option) { return option.names.back() == "--help"; }

// "fpt-webhooks explain [OPTIONS] [CAPTURE]"
std::string usage_of(const TreeCommand& command) {
    std::string text = "fpt-webhooks " + command.name();
    if (!command.commands.empty()) return text + " COMMAND";
    text += " [OPTIONS]";
    for (const TreeOption& option : command.all_options()) {
        if (!option.is_positional) continue;
        text += option.is_required ? " " + option.names.front() : " [" + option.names.front() + "]";
    }
    return text;
}

void add_command(std::string& page, const TreeCommand& command) {
    page += fmt::format(".SS \"{}\"\n{}.\n", roff(usage_of(command)), roff(command.description));
    for (const TreeGroup& group : command.groups) {
        if (!group.heading.empty()) page += fmt::format(".PP\n{}.\n", roff(group.heading));
        for (const TreeOption& option : group.options) {
            if (!is_help(option)) add_option(page, option);
        }
    }
    if (!command.footer.empty()) page += fmt::format(".PP\n{}\n", roff(command.footer));
}

// "sends, ...", as the lists of manual pages have it.
std::string begun_small(std::string text) {
    if (!text.empty() && text.front() >= 'A' && text.front() <= 'Z') text.front() += 'a' - 'A';
    return text;
}

std::string manual(const TreeCommand& tree) {
    std::string page = fmt::format(
        ".\\\" Made by: fpt-webhooks manual\n.TH FPT\\-WEBHOOKS 1 \"\" \"fpt\\-webhooks {}\"\n.SH NAME\n"
        "fpt\\-webhooks \\- {}\n.SH SYNOPSIS\n.B fpt\\-webhooks\n.I COMMAND\n[\\fIOPTIONS\\fR]\n",
        FPT_WEBHOOKS_VERSION, roff(begun_small(tree.description)));
    page += description;
    page += ".SH OPTIONS\n";
    for (const TreeOption& option : tree.all_options()) add_option(page, option);
    page += ".PP\nAll but the version go with every command too.\n.SH COMMANDS\n";
    for (const TreeCommand* const command : commands_below(tree)) {
        if (command != &tree) add_command(page, *command);
    }
    page += ".SH EXIT STATUS\n";
    for (const auto& [status, text] : statuses) {
        page += fmt::format(".TP\n.B {}\n{}\n", static_cast<int>(status), roff(text));
    }
    page += environment;
    page += files;
    page += ".SH EXAMPLES\n";
    for (const auto& [words, lines] : examples) {
        page += fmt::format(".SS \"{}\"\n.EX\n{}.EE\n", roff(words), roff(lines));
    }
    page += see_also;
    page.pop_back();  // print() ends the last line
    return page;
}

}  // namespace

void add_manual_command(CLI::App& parent, Console& console, Commands& commands) {
    CLI::App* const app = parent.add_subcommand("manual", "The manual page, for man");
    app->footer("To read it where it is not installed:  fpt-webhooks manual | man -l -");
    commands.push_back({app, [&parent, &console] {
                            if (console.json) throw Failure(ExitStatus::usage, "--json: a manual page is no JSON");
                            console.print(manual(read_tree(parent)));
                            return ExitStatus::ok;
                        }});
}

}  // namespace fpt_webhooks::cli
