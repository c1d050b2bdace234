#!/bin/sh
# Makes the namespace where it is missing; safe to repeat. Search attributes are registered by `heatsteer prepare`.
# TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE say where, HEATSTEER_RETENTION how long ended workflows stay readable.
set -eu

tries=30
until temporal operator cluster health >/dev/null 2>&1; do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
        echo "Temporal does not answer at $TEMPORAL_ADDRESS" >&2
        exit 1
    fi
    sleep 2
done

if temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1; then
    echo "the namespace $TEMPORAL_NAMESPACE is there"
else
    temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$HEATSTEER_RETENTION"
fi
