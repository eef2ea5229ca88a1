#!/bin/sh
# Refuses settings that nobody should go to production with: passwords that are empty, or that
# everybody tries first. Run by deploy.sh, and by the service `check` of each profile that has any,
# with the variables of .env in the environment. Prints one line and a hint, never a password.
set -eu

refuse() {
    printf 'error: %s\nhint:  %s\n' "$1" "$2" >&2
    exit 1
}

strong() {
    eval "value=\${$1:-}"
    [ -n "$value" ] || refuse "$1 is empty" "set $1 in .env, for example to what this prints: openssl rand -hex 16"
    # shellcheck disable=SC2154 # `value` is set by the line above
    plain=$(printf '%s' "$value" | tr '[:upper:]' '[:lower:]' | tr -d '0123456789!@#$%^&*()_.+-')
    case $plain in
        '' | admin | administrator | airflow | changeme | default | elastic | grafana | guest | kibana | letmein | minioadmin | \
            password | passw | passwd | postgres | qwerty | rabbitmq | root | secret | test | user | videorag | welcome)
            # a value of digits alone is no word, but long random hex has letters as a rule
            refuse "the password in $1 is one that everybody tries first" \
                "choose another in .env, for example what this prints: openssl rand -hex 16" ;;
    esac
    [ "${#value}" -ge 10 ] || refuse "the password in $1 has fewer than 10 characters" \
        "choose a longer one in .env, for example what this prints: openssl rand -hex 16"
}

# These stand within addresses.
plain_letters() {
    eval "value=\${$1:-}"
    case $value in
        *[!A-Za-z0-9_.~-]*) refuse "$1 has characters that an address cannot hold" "use letters, digits, and _ . ~ - in .env" ;;
    esac
}

is_on() {
    case ",${COMPOSE_PROFILES:-}," in *",$1,"*) return 0 ;; *) return 1 ;; esac
}

for profile in $(printf '%s' "${COMPOSE_PROFILES:-}" | tr ',' ' '); do
    case $profile in
        scale | search | airflow | monitoring | logs) ;;
        *) refuse "COMPOSE_PROFILES names no profile called $profile" "use scale, search, airflow, monitoring, logs, with commas" ;;
    esac
done
[ "${SETTINGS:-default}" != scale ] || is_on scale || refuse "SETTINGS=scale without its servers" "add scale to COMPOSE_PROFILES in .env"

if is_on scale; then
    [ "${SETTINGS:-default}" != default ] || refuse "the profile scale runs, but SETTINGS=default does not use it" "set SETTINGS=scale in .env"
    for name in POSTGRES_PASSWORD RABBITMQ_PASSWORD S3_SECRET_KEY; do strong "$name"; plain_letters "$name"; done
fi
if is_on airflow; then
    strong AIRFLOW_PASSWORD
    [ -n "${AIRFLOW_VIDEO_RAG_KEY:-}" ] || refuse "AIRFLOW_VIDEO_RAG_KEY is empty" \
        "make a key and put it there: ./deploy.sh run video-rag keys add airflow --role admin"
fi
if is_on monitoring; then strong GRAFANA_PASSWORD; fi
if is_on monitoring || is_on logs; then strong CONSOLE_PASSWORD; fi
