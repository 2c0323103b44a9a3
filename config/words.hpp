// The words of the file for each enum of the model: the one list that reader, schema and
// writer share. Words of later issues stand here too, marked as not available.
#pragma once

#include "config/model.hpp"

#include <array>
#include <string_view>

namespace poise::config {

template <typename Enum>
struct EnumWord {
    std::string_view text;
    Enum value;
    bool available = true;
};

constexpr std::array<EnumWord<Mode>, 3> mode_words{
    {{"snat", Mode::snat}, {"nat", Mode::nat}, {"dr", Mode::dr}}};

constexpr std::array<EnumWord<Protocol>, 8> protocol_words{{{"http", Protocol::http},
                                                            {"tcp", Protocol::tcp},
                                                            {"udp", Protocol::udp},
                                                            {"rdp", Protocol::rdp},
                                                            {"ftp", Protocol::ftp, false},
                                                            {"dns", Protocol::dns, false},
                                                            {"sip", Protocol::sip, false},
                                                            {"rtp", Protocol::rtp, false}}};

constexpr std::array<EnumWord<Algorithm>, 9> algorithm_words{
    {{"rr", Algorithm::rr},
     {"wrr", Algorithm::wrr},
     {"lc", Algorithm::lc},
     {"wlc", Algorithm::wlc},
     {"dh", Algorithm::dh},
     {"sh", Algorithm::sh},
     {"maglev", Algorithm::maglev},
     {"random2", Algorithm::random2},
     {"least_time", Algorithm::least_time}}};

constexpr std::array<EnumWord<CheckKind>, 7> check_words{{{"none", CheckKind::none},
                                                          {"tcp", CheckKind::tcp},
                                                          {"http", CheckKind::http},
                                                          {"tls", CheckKind::tls},
                                                          {"dns", CheckKind::dns},
                                                          {"smtp", CheckKind::smtp},
                                                          {"script", CheckKind::script}}};

/// sip has no value in the model yet; it is refused before its is looked at.
constexpr std::array<EnumWord<PersistenceMethod>, 6> persistence_words{
    {{"none", PersistenceMethod::none},
     {"cookie", PersistenceMethod::cookie},
     {"source", PersistenceMethod::source},
     {"header", PersistenceMethod::header},
     {"rdp", PersistenceMethod::rdp},
     {"sip", PersistenceMethod::none, false}}};

constexpr std::array<EnumWord<Preset>, 6> preset_words{{{"none", Preset::none},
                                                        {"exchange", Preset::exchange},
                                                        {"sharepoint", Preset::sharepoint},
                                                        {"lync", Preset::lync},
                                                        {"rdp", Preset::rdp},
                                                        {"rdgateway", Preset::rdgateway}}};

constexpr std::array<EnumWord<Forwarded>, 3> forwarded_words{
    {{"append", Forwarded::append}, {"replace", Forwarded::replace}, {"off", Forwarded::off}}};

constexpr std::array<EnumWord<ProxyProtocol>, 3> proxy_protocol_words{
    {{"off", ProxyProtocol::off}, {"v1", ProxyProtocol::v1}, {"v2", ProxyProtocol::v2}}};

constexpr std::array<EnumWord<Alpn>, 2> alpn_words{{{"h2", Alpn::h2}, {"http/1.1", Alpn::http1}}};
constexpr std::array<EnumWord<TlsVersion>, 2> tls_version_words{
    {{"1.2", TlsVersion::tls12}, {"1.3", TlsVersion::tls13}}};

constexpr std::array<EnumWord<ClientCertificate>, 3> client_certificate_words{
    {{"off", ClientCertificate::off},
     {"optional", ClientCertificate::optional},
     {"required", ClientCertificate::required}}};

constexpr std::array<EnumWord<LogFormat>, 2> log_format_words{
    {{"text", LogFormat::text}, {"json", LogFormat::json}}};

constexpr std::array<EnumWord<LogLevel>, 4> log_level_words{{{"debug", LogLevel::debug},
                                                             {"info", LogLevel::info},
                                                             {"warn", LogLevel::warn},
                                                             {"error", LogLevel::error}}};

constexpr std::array<EnumWord<IoEngine>, 3> io_words{
    {{"auto", IoEngine::automatic}, {"io_uring", IoEngine::io_uring}, {"epoll", IoEngine::epoll}}};

constexpr std::array<EnumWord<FastPath>, 2> fast_path_words{
    {{"auto", FastPath::automatic}, {"off", FastPath::off}}};

constexpr std::array<EnumWord<AccessLog>, 2> access_log_words{
    {{"off", AccessLog::off}, {"all", AccessLog::all}}};

constexpr std::array<EnumWord<SmtpTls>, 3> smtp_tls_words{
    {{"starttls", SmtpTls::starttls}, {"always", SmtpTls::always}, {"off", SmtpTls::off}}};

constexpr std::array<EnumWord<AlertKind>, 5> alert_kind_words{
    {{"server", AlertKind::server},
     {"service", AlertKind::service},
     {"pair", AlertKind::pair},
     {"certificate", AlertKind::certificate},
     {"config", AlertKind::config}}};

}  // namespace poise::config
