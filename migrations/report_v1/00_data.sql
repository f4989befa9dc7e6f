-- What the reports stand on. Private: readers of `report` have no right here.
-- One slim row per application, which outlives the erasure of the application.

CREATE TABLE report_data.due (
    client_id text NOT NULL,
    profile_id text NOT NULL,
    CONSTRAINT pk_due PRIMARY KEY (client_id, profile_id)
);

CREATE TABLE report_data.application (
    application_key bigint GENERATED ALWAYS AS IDENTITY,
    client_id text NOT NULL,
    profile_id text,
    job_reference text NOT NULL,
    template_key text NOT NULL,
    utm_source text NOT NULL,
    utm_medium text NOT NULL,
    utm_campaign text NOT NULL,
    utm_content text NOT NULL,
    language text NOT NULL,
    applied_at timestamp with time zone,
    applied_date date NOT NULL,
    applied_month date NOT NULL,
    applied_at_is_estimated boolean NOT NULL,
    received_at timestamp with time zone,
    hours_to_received double precision,
    seconds_to_confirm double precision,
    is_confirmed boolean NOT NULL,
    revision integer NOT NULL,
    questions integer NOT NULL,
    answers integer NOT NULL,
    files integer NOT NULL,
    files_missing integer NOT NULL,
    cv_sha256 bytea,
    has_cv boolean NOT NULL,
    has_image boolean NOT NULL,
    has_video boolean NOT NULL,
    person_key text,
    application_no integer,
    days_since_previous integer,
    erased_before integer DEFAULT 0 NOT NULL,
    erased_previous_date date,
    erased_on date,
    option_ids integer[],
    CONSTRAINT pk_application PRIMARY KEY (application_key),
    CONSTRAINT uq_application_client_id_profile_id UNIQUE (client_id, profile_id)
) WITH (fillfactor = 90);

CREATE INDEX ix_application_client_id_applied_date ON report_data.application (client_id, applied_date);
CREATE INDEX ix_application_applied_month ON report_data.application (applied_month, client_id);
CREATE INDEX ix_application_job_reference ON report_data.application (job_reference, client_id, applied_date);
CREATE INDEX ix_application_person_key ON report_data.application (person_key, client_id) WHERE person_key IS NOT NULL;
CREATE INDEX ix_application_cv_sha256 ON report_data.application (cv_sha256, client_id) WHERE cv_sha256 IS NOT NULL;

CREATE TABLE report_data.placeholder_cv (
    client_id text NOT NULL,
    sha256 bytea NOT NULL,
    decided_by text DEFAULT 'rule' NOT NULL,
    decided_at timestamp with time zone DEFAULT now() NOT NULL,
    is_placeholder boolean DEFAULT true NOT NULL,
    CONSTRAINT pk_placeholder_cv PRIMARY KEY (client_id, sha256)
);

-- The questions of the interviews. Only answers to closed ones are counted: those that many people answer alike.
CREATE TABLE report_data.question (
    question_id integer GENERATED ALWAYS AS IDENTITY,
    client_id text NOT NULL,
    question text NOT NULL,
    is_closed boolean NOT NULL,
    reason text NOT NULL,
    decided_by text DEFAULT 'rule' NOT NULL,
    decided_at timestamp with time zone DEFAULT now() NOT NULL,
    checked_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT pk_question PRIMARY KEY (question_id),
    CONSTRAINT uq_question_client_id_question UNIQUE (client_id, question)
);

CREATE TABLE report_data.option (
    option_id integer GENERATED ALWAYS AS IDENTITY,
    question_id integer NOT NULL,
    option text NOT NULL,
    CONSTRAINT pk_option PRIMARY KEY (option_id),
    CONSTRAINT uq_option_question_id_option UNIQUE (question_id, option),
    CONSTRAINT fk_option_question FOREIGN KEY (question_id) REFERENCES report_data.question (question_id) ON DELETE CASCADE
);

-- The option 0 counts the applications that answered the question at all, which is what shares are of.
CREATE TABLE report_data.option_count (
    client_id text NOT NULL,
    month date NOT NULL,
    question_id integer NOT NULL,
    option_id integer NOT NULL,
    applications integer NOT NULL,
    CONSTRAINT pk_option_count PRIMARY KEY (client_id, month, question_id, option_id),
    CONSTRAINT fk_option_count_question FOREIGN KEY (question_id) REFERENCES report_data.question (question_id) ON DELETE CASCADE
) WITH (fillfactor = 80);

-- A utm value as reports show it. Newsletters put the reader's address or number into links. A number begins with + or 0;
-- other numbers may be the campaigns of an advertiser. The body is parsed now, so that no reader's search_path can put other
-- functions into it.
CREATE FUNCTION report_data.shown(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN value IS NULL OR btrim(value, E' \t\n\r\u00a0') = '' THEN '(none)'
    WHEN strpos(value, '@') > 0 OR strpos(value, '%40') > 0 THEN '(personal)'
    WHEN btrim(value) !~ '^[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{4}$'
        AND regexp_replace(value, '[\s\u00a0\u2010-\u2015\u200b-\u200f\u202a-\u202e().\-/]', '', 'g') ~ '^([+]|0)[0-9]{7,}$'
        THEN '(personal)'
    ELSE btrim(value, E' \t\n\r\u00a0')
END;

-- A reference that your list does not contain, as reports show it. References may begin with zeros.
CREATE FUNCTION report_data.shown_reference(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN value IS NULL THEN '(none)'
    WHEN strpos(value, '@') > 0 OR strpos(value, '%40') > 0 OR value ~ '^\s*[+]' THEN '(personal)'
    ELSE value
END;
