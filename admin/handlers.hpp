// The endpoints' handlers, declared for the table; one .cpp a resource.
#pragma once

#include "admin/api.hpp"

namespace poise::admin {

// api_session.cpp
Response get_session(Api& api, const Call& call);
Response sign_in(Api& api, const Call& call);
Response sign_in_by_link(Api& api, const Call& call);
Response sign_out(Api& api, const Call& call);
Response change_password(Api& api, const Call& call);

// api_services.cpp
Response get_status(Api& api, const Call& call);
Response get_services(Api& api, const Call& call);
Response get_service(Api& api, const Call& call);
Response get_server(Api& api, const Call& call);
Response drain_server(Api& api, const Call& call);
Response halt_server(Api& api, const Call& call);
Response online_server(Api& api, const Call& call);
Response weigh_server(Api& api, const Call& call);
Response get_incidents(Api& api, const Call& call);
Response get_incident(Api& api, const Call& call);
Response get_certificates(Api& api, const Call& call);
Response take_over(Api& api, const Call& call);
Response stand_by(Api& api, const Call& call);

// api_events.cpp
Response get_events(Api& api, const Call& call);
Response get_audit(Api& api, const Call& call);
Response stream_events(Api& api, const Call& call);

// api_clients.cpp
Response get_clients(Api& api, const Call& call);
Response forget_client(Api& api, const Call& call);
Response get_flows(Api& api, const Call& call);

// api_alerts.cpp
Response get_alerts(Api& api, const Call& call);
Response test_alerts(Api& api, const Call& call);

// api_config.cpp
Response get_config(Api& api, const Call& call);
Response check_config(Api& api, const Call& call);
Response put_config(Api& api, const Call& call);
Response get_config_history(Api& api, const Call& call);
Response get_config_revision(Api& api, const Call& call);
Response restore_config(Api& api, const Call& call);
Response reload_config(Api& api, const Call& call);

// api_users.cpp
Response get_users(Api& api, const Call& call);
Response post_user(Api& api, const Call& call);
Response put_user(Api& api, const Call& call);
Response delete_user(Api& api, const Call& call);
Response get_tokens(Api& api, const Call& call);
Response post_token(Api& api, const Call& call);
Response delete_token(Api& api, const Call& call);

// api_history.cpp
Response get_history(Api& api, const Call& call);

// api_services.cpp
Response get_metrics(Api& api, const Call& call);
Response get_health(Api& api, const Call& call);

// openapi.cpp
Response get_openapi(Api& api, const Call& call);

}  // namespace poise::admin
