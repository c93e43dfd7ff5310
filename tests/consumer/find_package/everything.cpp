// One header and one target for everything that is installed.
#include <fpt_webhooks/fpt_webhooks.hpp>
int main() { return fpt_webhooks::Error(fpt_webhooks::Errc::malformed).message().empty() ? 1 : 0; }
