// RapidJSON under a namespace of our own, so that a host with another RapidJSON in the same program never meets ours.
// Everything of this library that needs RapidJSON includes this header and nothing of RapidJSON directly.
#pragma once

// A host's build flags may set these for its own copy.
#undef RAPIDJSON_NAMESPACE
#undef RAPIDJSON_NAMESPACE_BEGIN
#undef RAPIDJSON_NAMESPACE_END
#define RAPIDJSON_NAMESPACE fpt_webhooks::v0_1::detail::rapidjson
#define RAPIDJSON_NAMESPACE_BEGIN \
    namespace fpt_webhooks {      \
    inline namespace v0_1 {       \
    namespace detail::rapidjson {
#define RAPIDJSON_NAMESPACE_END \
    }                           \
    }                           \
    }

// RapidJSON 1.1's SIMD code serves zero-terminated text whose encoding is not checked, which ours never is, and it
// lets the control characters 0x1A to 0x1F through.
#undef RAPIDJSON_SSE2
#undef RAPIDJSON_SSE42

#include <rapidjson/error/error.h>
#include <rapidjson/reader.h>
#include <rapidjson/writer.h>
