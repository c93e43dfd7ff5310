#include "core/json_scan.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "core/json_chars.hpp"
#include "core/rapidjson.hpp"

namespace fpt_webhooks::inline v0_1::detail {
namespace {

namespace rj = rapidjson;

// RapidJSON counts a string's bytes in 32 bits.
constexpr std::size_t json_bytes_max = std::numeric_limits<std::uint32_t>::max();

// The reader's stack holds one decoded string at a time; one that is longer than this goes to the heap.
constexpr std::size_t reader_stack_bytes = 1024;

constexpr bool is_space(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
// The input as RapidJSON wants it. It is never copied by the reader (StreamTraits say so only for RapidJSON's own), so
// that the handler may ask it for the position during any callback.
class ByteStream {
  public:
    using Ch = char;

    explicit ByteStream(std::string_view text) noexcept
        : begin_(text.data()), at_(begin_), end_(begin_ + text.size()) {}

    [[nodiscard]] char Peek() const noexcept { return at_ != end_ ? *at_ : '\0'; }
    char Take() noexcept { return at_ != end_ ? *at_++ : '\0'; }
    [[nodiscard]] std::size_t Tell() const noexcept { return static_cast<std::size_t>(at_ - begin_); }

    // The plain characters from here on, taken.
    std::string_view take_plain() noexcept {
        const char* const start = at_;
        at_ = plain_end(at_, end_);
        return {start, static_cast<std::size_t>(at_ - start)};
    }

    // Most strings are plain throughout. Such a one is not copied for the handler, which is given "" and asks here.
    void leave_uncopied(std::string_view plain) noexcept { uncopied_ = plain; }
    std::string_view take_uncopied() noexcept { return std::exchange(uncopied_, {}); }

    // For in-situ parsing, which is compiled but never used.
    char* PutBegin() noexcept { return nullptr; }
    void Put(char) noexcept {}
    std::size_t PutEnd(char*) noexcept { return 0; }

  private:
    const char* begin_;
    const char* at_;
    const char* end_;
    std::string_view uncopied_;
};

// UTF-8 as RapidJSON validates it, except that plain characters are taken run by run and not one by one.
struct Utf8Runs : rj::UTF8<> {
    template <class Output>
    static bool Validate(ByteStream& in, Output& out) {
        const std::string_view plain = in.take_plain();
        if (plain.empty()) return rj::UTF8<>::Validate(in, out);
        if (out.Length() == 0 && in.Peek() == '"') {
            in.leave_uncopied(plain);
            return true;
        }
        std::memcpy(out.Push(static_cast<rj::SizeType>(plain.size())), plain.data(), plain.size());
        return true;
    }
    static bool Validate(ByteStream&, ByteStream&) noexcept { return false; }  // in situ: never used
};

// Where in decoded text RapidJSON has put a surrogate: it does so for a lone low one. The encoding of a code point from
// U+D800 to U+DFFF starts with ED A0 to ED BF, which the validation lets nobody write directly.
bool holds_surrogate(std::string_view decoded) noexcept {
    for (std::size_t at = decoded.find('\xed'); at != std::string_view::npos; at = decoded.find('\xed', at + 1)) {
        if (at + 1 < decoded.size() && static_cast<unsigned char>(decoded[at + 1]) >= 0xa0) return true;
    }
    return false;
}

// The offset of the first lone low surrogate's escape in the string that ends with the quote at `closing`.
std::size_t find_lone_surrogate(std::string_view text, std::size_t closing) noexcept {
    std::size_t opening = closing;
    for (bool escaped = true; escaped;) {  // a quote after an odd number of backslashes belongs to the string
        opening = text.rfind('"', opening - 1);
        std::size_t backslashes = 0;
        while (backslashes < opening && text[opening - 1 - backslashes] == '\\') ++backslashes;
        escaped = backslashes % 2 == 1;
    }
    const auto digit = [&](std::size_t at) { return text[at] | 0x20; };  // lower case
    for (std::size_t at = opening + 1; at < closing; ++at) {
        if (text[at] != '\\') continue;
        if (text[++at] != 'u' || digit(at + 1) != 'd') continue;
        if (digit(at + 2) >= 'c') return at - 1;
        if (digit(at + 2) >= '8' && digit(at + 2) <= 'b') at += 6;  // a pair: its second half is no lone one
    }
    return opening;
}

// RapidJSON's events, turned into members of the root object. Names are RapidJSON's.
class Handler {
  public:
    Handler(std::string_view text, ByteStream& stream, JsonRoot root, std::size_t depth_max, JsonVisitor* visitor)
        : text_(text), stream_(stream), root_(root), depth_max_(depth_max), visitor_(visitor) {}

    bool Null() { return value(JsonKind::null); }
    bool Bool(bool) { return value(JsonKind::boolean); }
    bool Int(int) { return value(JsonKind::number); }
    bool Uint(unsigned) { return value(JsonKind::number); }
    bool Int64(std::int64_t) { return value(JsonKind::number); }
    bool Uint64(std::uint64_t) { return value(JsonKind::number); }
    bool Double(double) { return value(JsonKind::number); }
    bool RawNumber(const char*, rj::SizeType, bool) { return value(JsonKind::number); }
    bool String(const char* decoded, rj::SizeType size, bool) {
        const std::string_view uncopied = stream_.take_uncopied();
        if (size == 0) return value(JsonKind::string, uncopied);
        return check_string({decoded, size}) && value(JsonKind::string, {decoded, size});
    }
    bool StartObject() { return open(); }
    bool EndObject(rj::SizeType) { return close(JsonKind::object); }
    bool StartArray() {
        if (depth_ == 0 && root_ == JsonRoot::object) return fail_root();
        return open();
    }
    bool EndArray(rj::SizeType) { return close(JsonKind::array); }

    bool Key(const char* decoded, rj::SizeType size, bool) {
        const std::string_view uncopied = stream_.take_uncopied();
        if (size != 0 && !check_string({decoded, size})) return false;
        if (depth_ != 1 || !visitor_) return true;
        const std::size_t end = stream_.Tell();
        if (size == 0) {
            member_.name = uncopied;
            member_.name_offset = end - uncopied.size() - 2;
        } else {  // `decoded` lives for this call only
            member_.name = copied_name_.assign(decoded, size);
            member_.name_offset = skip_to(next_, ',');
        }
        member_.offset = skip_to(end, ':');
        return true;
    }

    // The visitor's, or one of the scan's own.
    [[nodiscard]] const std::optional<Error>& error() const noexcept {
        return visitor_ && visitor_->error() ? visitor_->error() : error_;
    }

  private:
    bool fail(Errc code, std::string detail, std::size_t offset) {
        error_.emplace(code, std::move(detail), offset);
        return false;
    }
    bool fail_root() { return fail(Errc::malformed, "a JSON object is needed", skip_space(0)); }
    bool fail_depth() {
        return fail(Errc::limit_exceeded, "JSON nested deeper than " + std::to_string(json_depth_max) + " levels",
                    stream_.Tell() - 1);
    }

    bool open() {
        if (depth_ == depth_max_) return fail_depth();
        if (++depth_ == 1) next_ = stream_.Tell();
        return true;
    }
    bool close(JsonKind kind) {
        --depth_;
        return depth_ == 0 || value(kind);
    }

    bool check_string(std::string_view decoded) {
        if (!holds_surrogate(decoded)) return true;
        return fail(Errc::malformed, "lone surrogate", find_lone_surrogate(text_, stream_.Tell() - 1));
    }

    // A value has just ended here.
    bool value(JsonKind kind, std::string_view decoded = {}) {
        if (depth_ > 1) return true;
        if (depth_ == 0) return root_ == JsonRoot::any || fail_root();
        if (!visitor_) return true;
        next_ = stream_.Tell();
        member_.kind = kind;
        member_.raw = {text_.data() + member_.offset, next_ - member_.offset};
        member_.text = decoded;
        return visitor_->member(member_);
    }

    [[nodiscard]] std::size_t skip_space(std::size_t at) const noexcept {
        while (at < text_.size() && is_space(text_[at])) ++at;
        return at;
    }
    // Past white space, at most one `separator`, and white space.
    [[nodiscard]] std::size_t skip_to(std::size_t at, char separator) const noexcept {
        at = skip_space(at);
        return at < text_.size() && text_[at] == separator ? skip_space(at + 1) : at;
    }

    const std::string_view text_;
    ByteStream& stream_;
    const JsonRoot root_;
    const std::size_t depth_max_;
    JsonVisitor* const visitor_;

    std::size_t depth_ = 0;
    std::size_t next_ = 0;  // depth 1: where the previous member ended
    JsonMember member_;
    std::string copied_name_;
    std::optional<Error> error_;
};

const char* describe(rj::ParseErrorCode code) noexcept {
    switch (code) {
        case rj::kParseErrorDocumentEmpty: return "JSON: a value is needed";
        case rj::kParseErrorDocumentRootNotSingular: return "JSON: nothing may follow the value";
        case rj::kParseErrorObjectMissName: return "JSON: a name in quotes is needed";
        case rj::kParseErrorObjectMissColon: return "JSON: ':' is needed";
        case rj::kParseErrorObjectMissCommaOrCurlyBracket: return "JSON: ',' or '}' is needed";
        case rj::kParseErrorArrayMissCommaOrSquareBracket: return "JSON: ',' or ']' is needed";
        case rj::kParseErrorStringUnicodeEscapeInvalidHex: return "JSON: four hex digits are needed after \\u";
        case rj::kParseErrorStringUnicodeSurrogateInvalid: return "lone surrogate";
        case rj::kParseErrorStringEscapeInvalid: return "JSON: no such escape";
        case rj::kParseErrorStringMissQuotationMark: return "JSON: the string does not end";
        case rj::kParseErrorStringInvalidEncoding: return "invalid UTF-8";
        case rj::kParseErrorNumberTooBig: return "JSON: the number does not fit a double";
        case rj::kParseErrorNumberMissFraction: return "JSON: digits are needed after '.'";
        case rj::kParseErrorNumberMissExponent: return "JSON: digits are needed in the exponent";
        default: return "JSON: no such value";
    }
}

Error error_of(const rj::ParseResult& parsed, std::string_view text) {
    const std::size_t offset = std::min(parsed.Offset(), text.size());
    if (parsed.Code() == rj::kParseErrorNumberTooBig) return Error(Errc::out_of_range, describe(parsed.Code()), offset);
    const bool in_string =
        parsed.Code() == rj::kParseErrorStringEscapeInvalid || parsed.Code() == rj::kParseErrorStringMissQuotationMark;
    if (in_string && offset < text.size() && is_control(text[offset])) {
        return Error(Errc::malformed, "JSON: a control character in a string must be escaped", offset);
    }
    return Error(Errc::malformed, describe(parsed.Code()), offset);
}

}  // namespace

Error JsonMember::error(Errc code, std::string_view what) const {
    return Error(code, std::string(name).append(": ").append(what), offset);
}

Error JsonMember::error(const Error& cause) const {
    return Error(static_cast<Errc>(cause.code().value()), std::string(name).append(": ").append(cause.detail()),
                 cause.offset() ? offset_of(*cause.offset()) : offset);
}

bool JsonVisitor::fail(Error error) {
    error_.emplace(std::move(error));
    return false;
}

Result<std::string_view> scan_json(std::string_view text, JsonRoot root, std::size_t depth_max, JsonVisitor* visitor) {
    if (text.size() > json_bytes_max) return Error(Errc::limit_exceeded, "JSON text over 4 GiB", json_bytes_max);
    if (text.substr(0, 3) == "\xef\xbb\xbf") return Error(Errc::malformed, "JSON: a byte order mark", 0);

    ByteStream stream(text);
    Handler handler(text, stream, root, depth_max, visitor);
    alignas(std::max_align_t) char buffer[reader_stack_bytes];
    rj::MemoryPoolAllocator<> pool(buffer, sizeof buffer);
    rj::GenericReader<Utf8Runs, Utf8Runs, rj::MemoryPoolAllocator<>> reader(&pool);
    const rj::ParseResult parsed =
        reader.Parse<rj::kParseValidateEncodingFlag | rj::kParseStopWhenDoneFlag>(stream, handler);
    if (parsed.IsError()) return handler.error() ? *handler.error() : error_of(parsed, text);

    std::size_t begin = 0;
    while (is_space(text[begin])) ++begin;
    const std::size_t end = stream.Tell();
    // Not left to RapidJSON, for which a NUL is the end of the text.
    for (std::size_t at = end; at < text.size(); ++at) {
        if (!is_space(text[at])) return Error(Errc::malformed, "JSON: nothing may follow the value", at);
    }
    return text.substr(begin, end - begin);
}

}  // namespace fpt_webhooks::inline v0_1::detail
