// Throw-away certificates, as the program `fpt-webhooks` makes them too.
#pragma once

#include "cli/certificates.hpp"

namespace fpt_webhooks::test {

using cli::CertificateAuthority;
using cli::Identity;
using cli::IdentityOptions;
using cli::self_signed;
using cli::use_identity;

}  // namespace fpt_webhooks::test
