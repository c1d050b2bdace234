#!/bin/sh
# Brings Temporal's two databases to the schema of this version; safe to repeat, and how an upgrade migrates.
# The databases themselves are made by ops/postgres/databases.sql; where they are is in SQL_*.
set -eu

migrate() {
    database=$1
    versions=$2
    temporal-sql-tool --db "$database" setup-schema -v 0.0
    temporal-sql-tool --db "$database" update-schema -d "/etc/temporal/schema/postgresql/v12/$versions/versioned"
}

migrate temporal temporal
migrate temporal_visibility visibility
echo "the schema of Temporal is up to date"
