-- Roles and databases, made once, when the volume is empty. Each role owns its own databases and nothing else.
-- Passwords come from the environment, so that they are on no command line.
\set ON_ERROR_STOP on
\getenv temporal_password TEMPORAL_DB_PASSWORD
\getenv heatsteer_password HEATSTEER_DB_PASSWORD

CREATE ROLE temporal LOGIN PASSWORD :'temporal_password';
CREATE ROLE heatsteer LOGIN PASSWORD :'heatsteer_password';
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
CREATE DATABASE heatsteer OWNER heatsteer;
REVOKE CONNECT ON DATABASE temporal, temporal_visibility, heatsteer FROM PUBLIC;
