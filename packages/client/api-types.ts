/** Generated from docs/openapi/service.json by `npm run openapi`. */

export interface paths {
    "/webhook": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Post a job
         * @description A repeated request with the same Idempotency-Key and body gets the same response, with Idempotent-Replayed: true, and creates no second job, even if the catalogue has changed since. With a different body it is answered 422. `GET /catalogue` lists the parameters of providers.
         */
        post: operations["postJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the caller's jobs, newest first
         * @description A job is listed if it matches every filter. `inTrouble=true` allows no status except PENDING. The list may lag a second behind.
         */
        get: operations["listJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/stats": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Count the caller's jobs by status and time
         * @description Counts the newest 10,000 jobs of the time range. Responses are cached for ten seconds.
         */
        get: operations["getJobStats"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{jobId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get a job
         * @description To follow a pending job, wait for the seconds in Retry-After, then send the ETag as If-None-Match.
         */
        get: operations["getJob"];
        put?: never;
        post?: never;
        /**
         * Delete the data of a job that has ended
         * @description Also deletes its parameters and metadata, so a job that had any can no longer be redriven. The job itself remains until it expires, to reserve its idempotency key: `GET /jobs/{jobId}` still answers.
         */
        delete: operations["expungeJob"];
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{jobId}/data": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Get the data of a job, whether or not its callback was delivered
         * @description For a pending job, the data stored so far. 410 if the data was deleted, or if the data of one provider is no longer stored; `detail` then names the provider, and the data of the others can be read one provider at a time. 422 if the data is too large for one response: read it one provider at a time.
         */
        get: operations["getJobData"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{jobId}/redrive": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Retry a job at once, whether it has ended or waits for its next attempt
         * @description Starts a new fetch deadline and retry schedule. Fetched data is kept. If a callback was already delivered, the next one gets a new webhook-id.
         */
        post: operations["redriveJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs/{jobId}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Cancel a pending job
         * @description A callback in progress may still arrive.
         */
        post: operations["cancelJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/catalogue": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the providers that jobs may name, with their parameters
         * @description In the order of the catalogue, without URLs and credentials. Circuits and recent calls may be up to five seconds old.
         */
        get: operations["getCatalogue"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/me": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the client that the API key belongs to */
        get: operations["getMe"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/clients": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List all clients, newest first
         * @description For operators only.
         */
        get: operations["listClients"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/redrives": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * List the caller's redrives, newest first
         * @description A redrive is listed until it expires. After its end, it is kept for as long as a job.
         */
        get: operations["listRedrives"];
        put?: never;
        /**
         * Redrive all of the caller's jobs that match filters
         * @description Sweeps make the jobs due, from the newest to the oldest. A job that fails again during the redrive is not redriven twice. Each client can run one redrive at a time, and gets 409 while another is running. A dry run, allowed at any time, only counts the jobs.
         */
        post: operations["postRedrive"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/redrives/{redriveId}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Get the progress of a redrive */
        get: operations["getRedrive"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/complete": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Test receiver for callbacks: echoes the callback
         * @description The body may be up to 1 MiB. If the deployment has a secret for this route, callbacks must be signed with it. Without a secret, the route exists on test stages only, and answers 404 elsewhere.
         */
        post: operations["complete"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Check liveness; with deep=1, also the job table and the sweeps
         * @description Without deep, nothing but the API itself is checked. With deep=1, the job table and the time of the last sweep are checked too. Results are cached for ten seconds.
         */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/console": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The console
         * @description One HTML page, compressed if the client accepts gzip. Its scripts call this API with the key that its user enters.
         */
        get: operations["getConsole"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * This document
         * @description The document lists the providers of this deployment.
         */
        get: operations["getOpenApi"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * This document as a page
         * @description A page that shows the document, and sends requests to this API.
         */
        get: operations["getDocs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/docs/{asset}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * The script of that page
         * @description The page contains its name, which changes with its content.
         */
        get: operations["getDocsAsset"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface webhooks {
    callback: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * The callback of a job, posted to its callback URL
         * @description Signed (Standard Webhooks), at most 10 MiB, delivered at least once. It also carries the headers set for the client by npm run clients, which never replace those below. The receiver must answer within 15 s. Redirects are not followed. Failed callbacks are retried, 30 s to 24 h apart.
         */
        post: operations["callback"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export interface components {
    schemas: {
        /** @description What to collect, and where to post it. */
        JobRequest: {
            /**
             * @description Provider ids from the catalogue, each with or without parameters. The callback lists results in this order. All parameters together may be at most 1 KiB of JSON.
             * @example [
             *       "gas",
             *       "internet"
             *     ]
             */
            providers: (string | {
                id: string;
                /** @description Parameter values by name. `GET /catalogue` lists the parameters of each provider. */
                parameters?: {
                    [key: string]: string | number | boolean;
                };
            })[];
            /**
             * Format: uri
             * @description The URL that the data is posted to: https (http only if the deployment allows it), a host on the public internet, no user info, no fragment. The query may hold a token and is never logged.
             * @example https://example.com/complete
             */
            callbackUrl: string;
            /**
             * @description Stored with the job, returned with it and echoed in its callback. At most 1 KiB of JSON. Never logged.
             * @example {
             *       "orderId": "A-42"
             *     }
             */
            metadata?: {
                [key: string]: string;
            };
        };
        RedriveRequest: {
            /** @description Only jobs with this status, or one of several. Required, unless `inTrouble` is true. */
            status?: ("FAILED" | "PARTIAL" | "CANCELLED" | "COMPLETE") | ("FAILED" | "PARTIAL" | "CANCELLED" | "COMPLETE")[];
            /**
             * @description Only pending jobs with a failed attempt, which are retried at once. Excludes `status`.
             * @constant
             */
            inTrouble?: true;
            /** @description Only jobs that request this provider. */
            providerId?: string;
            /**
             * @description Only jobs that are FAILED with this code.
             * @enum {string}
             */
            failureCode?: "CALLBACK_EXHAUSTED" | "CALLBACK_GONE" | "CALLBACK_TOO_LARGE" | "CLIENT_REVOKED" | "NEVER_SETTLED" | "RESULT_MISSING";
            /**
             * Format: date-time
             * @description Only jobs accepted at this time or later. ISO 8601.
             */
            from?: string;
            /**
             * Format: date-time
             * @description Only jobs accepted before this time; by default, the time of the request. ISO 8601.
             */
            to?: string;
            /**
             * @description Only counts the jobs.
             * @default false
             */
            dryRun?: boolean;
        } & (unknown | unknown);
        /** @description A callback as the test receiver accepts it. */
        ReceivedCallback: {
            jobId: string;
            /** @description Any list; not validated. */
            data: unknown[];
            /** @description The metadata posted with the job; absent if none was. */
            metadata?: {
                [key: string]: string;
            };
        };
        /** @description The data of a job. */
        Callback: {
            /** Format: uuid */
            jobId: string;
            /** @description One entry per provider, in the order of the request. */
            data: (components["schemas"]["ProviderData"] | components["schemas"]["ProviderError"])[];
            /** @description The metadata posted with the job; absent if none was. */
            metadata?: {
                [key: string]: string;
            };
        };
        /** @description The data of a provider. */
        ProviderData: {
            /** @description Id in the provider catalogue. */
            providerId: string;
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            fetchedAt: string;
            /** @description The provider's response: JSON verbatim, every digit kept; other text as a string. */
            data: unknown;
        };
        /** @description Why a provider has no data. Only in jobs that are PARTIAL or unfinished. */
        ProviderError: {
            /** @description Id in the provider catalogue. */
            providerId: string;
            error: {
                /**
                 * @description Whether the provider was unavailable until the fetch deadline, or refused permanently.
                 * @enum {string}
                 */
                code: "PROVIDER_UNAVAILABLE" | "PROVIDER_REFUSED";
                /** @description Human-readable. */
                message: string;
            };
        };
        /** @description An accepted job. */
        Accepted: {
            /** Format: uuid */
            jobId: string;
            /** @constant */
            status: "PENDING";
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            createdAt: string;
            links: {
                /** @description Path of the job, relative to this API. */
                self: string;
                /** @description Path of its data, relative to this API. */
                data: string;
            };
        };
        /** @description An error (RFC 9457). */
        Problem: {
            /** @constant */
            type: "about:blank";
            title: string;
            status: number;
            detail: string;
            /** @description The request id. */
            instance: string;
            /** @description Each invalid field, by JSON pointer (RFC 6901). */
            errors?: {
                pointer: string;
                message: string;
            }[];
        };
        /** @description An error response of API Gateway itself. */
        GatewayError: {
            message: string;
        };
        /** @description A page may hold fewer jobs than its limit and still have a cursor. */
        JobPage: {
            jobs: components["schemas"]["JobSummary"][];
            /** @description Cursor of the next page; null on the last page. */
            cursor: string | null;
        };
        /** @description A job in a list. */
        JobSummary: {
            /** Format: uuid */
            jobId: string;
            /** @enum {string} */
            status: "PENDING" | "COMPLETE" | "PARTIAL" | "FAILED" | "CANCELLED";
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            createdAt: string;
            links: {
                /** @description Path of the job, relative to this API. */
                self: string;
                /** @description Path of its data, relative to this API. */
                data: string;
            };
            /** @description What a pending job is doing; null once it has ended. */
            phase: ("FETCHING" | "CALLING_BACK") | null;
            providers: string[];
            /** @description Host of the callback URL, with its port unless it is the default. */
            callbackHost: string;
            /** @description When it ended; null while it is pending. For jobs that ended under earlier versions, when they were last changed. */
            endedAt: string | null;
            /**
             * @description Why the job is FAILED.
             * @enum {string}
             */
            failureCode?: "CALLBACK_EXHAUSTED" | "CALLBACK_GONE" | "CALLBACK_TOO_LARGE" | "CLIENT_REVOKED" | "NEVER_SETTLED" | "RESULT_MISSING";
        };
        /** @description Counts of the jobs accepted in a time range. */
        JobStats: {
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            from: string;
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            to: string;
            /** @enum {string} */
            bucket: "minute" | "5minutes" | "hour" | "6hours" | "day";
            /** @description Jobs by time of acceptance and status. Buckets begin at multiples of their size, in UTC. */
            buckets: {
                PENDING: number;
                COMPLETE: number;
                PARTIAL: number;
                FAILED: number;
                CANCELLED: number;
                /**
                 * Format: date-time
                 * @description ISO 8601, UTC.
                 */
                from: string;
            }[];
            totals: {
                PENDING: number;
                COMPLETE: number;
                PARTIAL: number;
                FAILED: number;
                CANCELLED: number;
            };
            /** @description (COMPLETE + PARTIAL) / (COMPLETE + PARTIAL + FAILED); null if none has ended. */
            deliveredShare: number | null;
            /** @description Milliseconds from the acceptance of a delivered job to its end, or to its last end after a redrive; null if no job was delivered. Jobs that ended under earlier versions are left out. */
            timeToCallbackMs: {
                p50: number;
                p95: number;
            } | null;
            /** @description When the oldest pending job was accepted. */
            oldestPendingAt: string | null;
            /** @description Pending jobs with a failed attempt. */
            inTrouble: number;
            /** @description Whether older jobs of the time range were left out, because only the newest 10,000 are counted. */
            truncated: boolean;
        };
        Job: {
            /** Format: uuid */
            jobId: string;
            /** @enum {string} */
            status: "PENDING" | "COMPLETE" | "PARTIAL" | "FAILED" | "CANCELLED";
            /** @enum {string} */
            phase: "FETCHING" | "CALLING_BACK";
            /** @description The query is masked, because it may hold a token. */
            callbackUrl: string;
            providers: components["schemas"]["ProviderState"][];
            /** @description The metadata posted with the job; absent if there is none or it was deleted. */
            metadata?: {
                [key: string]: string;
            };
            /** @description The last 20, oldest first. */
            attempts: components["schemas"]["Attempt"][];
            /** @description Null while an attempt is in progress and once the job has ended. */
            nextAttemptAt: string | null;
            callbackDeferred?: components["schemas"]["Deferral"];
            /** @description Why the job is FAILED. */
            failure?: {
                /** @enum {string} */
                code: "CALLBACK_EXHAUSTED" | "CALLBACK_GONE" | "CALLBACK_TOO_LARGE" | "CLIENT_REVOKED" | "NEVER_SETTLED" | "RESULT_MISSING";
                message: string;
            };
            /**
             * Format: date-time
             * @description When the caller deleted the collected data.
             */
            expungedAt?: string;
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            updatedAt: string;
            /** @description When it ended; null while it is pending. For jobs that ended under earlier versions, when they were last changed. */
            endedAt: string | null;
            /**
             * Format: date-time
             * @description When fetching ends and the data collected so far is delivered. ISO 8601, UTC.
             */
            deadlineAt: string;
            /** @description Relative to this API. Actions are present while they are allowed. */
            links: {
                /** @description Path of the job, relative to this API. */
                self: string;
                /** @description Path of its data, relative to this API. */
                data: string;
                redrive?: string;
                cancel?: string;
                delete?: string;
            };
        };
        /** @description The state of one provider of a job. */
        ProviderState: {
            providerId: string;
            /** @enum {string} */
            status: "PENDING" | "FETCHED" | "REFUSED" | "UNAVAILABLE";
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            fetchedAt?: string;
            /** @description Size of its data as JSON, UTF-8. */
            bytes?: number;
            error?: {
                /** @enum {string} */
                class: "dns" | "connection_refused" | "connection_broken" | "tls" | "blocked_address" | "timeout" | "bad_status" | "bad_answer" | "bad_body" | "not_ready" | "bad_page" | "too_many_pages" | "error_in_body" | "data_missing" | "bad_polling" | "still_working" | "work_failed" | "polling_timeout" | "ticket_lost" | "bad_parameter" | "too_large" | "gone" | "unknown_provider" | "credential_refused" | "circuit_open" | "limit_reached" | "paused" | "client_revoked" | "lease_lost" | "result_missing" | "internal";
                statusCode?: number;
            };
            /** @description Failed attempts so far. */
            failedAttempts?: number;
            /**
             * Format: date-time
             * @description When the next attempt is due. ISO 8601, UTC.
             */
            nextAttemptAt?: string;
            /**
             * Format: date-time
             * @description When it accepted the request that it is still processing.
             */
            workingSince?: string;
            /** @description Number of polls since then. */
            polls?: number;
            deferred?: components["schemas"]["Deferral"];
            /** @description Its parameters, as posted; secret values are shown as `***`. */
            parameters?: {
                [key: string]: string | number | boolean;
            };
        };
        /** @description Why a call was deferred. Deferred calls do not count as attempts. */
        Deferral: {
            /** @enum {string} */
            class: "dns" | "connection_refused" | "connection_broken" | "tls" | "blocked_address" | "timeout" | "bad_status" | "bad_answer" | "bad_body" | "not_ready" | "bad_page" | "too_many_pages" | "error_in_body" | "data_missing" | "bad_polling" | "still_working" | "work_failed" | "polling_timeout" | "ticket_lost" | "bad_parameter" | "too_large" | "gone" | "unknown_provider" | "credential_refused" | "circuit_open" | "limit_reached" | "paused" | "client_revoked" | "lease_lost" | "result_missing" | "internal";
            /** @description The last failure of the third party. */
            cause?: {
                /** @enum {string} */
                class: "dns" | "connection_refused" | "connection_broken" | "tls" | "blocked_address" | "timeout" | "bad_status" | "bad_answer" | "bad_body" | "not_ready" | "bad_page" | "too_many_pages" | "error_in_body" | "data_missing" | "bad_polling" | "still_working" | "work_failed" | "polling_timeout" | "ticket_lost" | "bad_parameter" | "too_large" | "gone" | "unknown_provider" | "credential_refused" | "circuit_open" | "limit_reached" | "paused" | "client_revoked" | "lease_lost" | "result_missing" | "internal";
                statusCode?: number;
            };
        };
        /** @description The work of one execution on the job. */
        Attempt: {
            number: number;
            /** @enum {string} */
            trigger: "immediate" | "scheduled" | "redrive";
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            startedAt: string;
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            endedAt: string;
            fetches: components["schemas"]["ProviderCall"][];
            callback: components["schemas"]["Call"] | null;
            /** @description When the next attempt is due; null if the job ended. */
            nextAttemptAt: string | null;
        };
        ProviderCall: {
            /** @enum {string} */
            status: "OK" | "FAILED";
            /** @description Why it failed. */
            class?: string;
            statusCode?: number;
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            startedAt?: string;
            durationMs?: number;
            /** @description Calls made by the execution, including quick retries; absent if unknown. */
            tries?: number;
            /** @description The first characters of the response, secrets masked. */
            excerpt?: string;
            providerId: string;
        };
        /** @description A call; after quick retries, the last one. */
        Call: {
            /** @enum {string} */
            status: "OK" | "FAILED";
            /** @description Why it failed. */
            class?: string;
            statusCode?: number;
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            startedAt?: string;
            durationMs?: number;
            /** @description Calls made by the execution, including quick retries; absent if unknown. */
            tries?: number;
            /** @description The first characters of the response, secrets masked. */
            excerpt?: string;
        };
        /** @description The data collected so far, in the format of the callback. */
        JobData: {
            /** Format: uuid */
            jobId: string;
            /** @description One entry per provider, in the order of the request. */
            data: (components["schemas"]["CollectedData"] | components["schemas"]["CollectedError"])[];
            /** @description The metadata posted with the job; absent if none was. */
            metadata?: {
                [key: string]: string;
            };
        };
        /** @description The providers that jobs can use. */
        Catalogue: {
            providers: components["schemas"]["OfferedProvider"][];
        };
        /** @description A provider that jobs can use. */
        OfferedProvider: {
            /** @description The id that jobs use. */
            id: string;
            title?: string;
            description?: string;
            /** @description The parameters of the provider, as a JSON Schema (2020-12) of an object; absent if there are none. `writeOnly` values are sent to the provider and never returned. */
            parameters?: {
                [key: string]: unknown;
            };
            /**
             * @description The state of the circuit breaker: `closed` allows calls; `open` defers them after repeated failures; `half_open` allows a single probe. Absent while the state is unknown.
             * @enum {string}
             */
            circuit?: "closed" | "open" | "half_open";
            /** @description Calls to the provider in the current and the previous window of its circuit breaker (a minute each by default). Counting begins about 20 seconds after a failure, and ends when no other has followed for half a window or longer. Absent while the counts are unknown. */
            recentCalls?: {
                /** @description Calls that were counted. Above 500 in a window, they are an estimate. */
                calls: number;
                /** @description Those that failed because the provider was unavailable. Refusals do not count. */
                failures: number;
                /**
                 * Format: date-time
                 * @description When the counts begin. Absent if no call has failed recently: calls are then not counted.
                 */
                since?: string;
            };
        };
        /** @description The caller. */
        Me: {
            /** @description A UUID, or `local` for the client of the embedded cloud. */
            clientId: string;
            name: string;
            /** @description Whether it may send the `clientId` of another client in requests, to act for that client. */
            isOperator: boolean;
        };
        /** @description Clients, newest first. */
        ClientPage: {
            clients: components["schemas"]["ClientState"][];
            /** @description Cursor of the next page; null on the last page. */
            cursor: string | null;
        };
        /** @description A client, without its secrets. */
        ClientState: {
            /** @description A UUID, or `local` for the client of the embedded cloud. */
            clientId: string;
            name: string;
            /** @description Whether it may send the `clientId` of another client in requests, to act for that client. */
            isOperator: boolean;
            /** @description ISO 8601, UTC; null if the id contains no time. */
            createdAt: string | null;
            /** @description ISO 8601, UTC; null unless its API key was revoked. */
            revokedAt: string | null;
            /** @description Number of pending jobs among its newest 1,000 jobs. May be ten seconds old. */
            pendingJobs: number;
            /** @description Whether jobs were left out: those older than the newest 1,000, or all if counting took too long. */
            pendingJobsTruncated: boolean;
        };
        /** @description Redrives, newest first. */
        RedrivePage: {
            redrives: components["schemas"]["Redrive"][];
            /** @description Cursor of the next page; null on the last page. */
            cursor: string | null;
        };
        /** @description A redrive of many jobs, and its progress. */
        Redrive: {
            /** Format: uuid */
            redriveId: string;
            /** @enum {string} */
            status: "RUNNING" | "COMPLETE";
            query: {
                status?: ("FAILED" | "PARTIAL" | "CANCELLED" | "COMPLETE") | ("FAILED" | "PARTIAL" | "CANCELLED" | "COMPLETE")[];
                /** @constant */
                inTrouble?: true;
                providerId?: string;
                /** @enum {string} */
                failureCode?: "CALLBACK_EXHAUSTED" | "CALLBACK_GONE" | "CALLBACK_TOO_LARGE" | "CLIENT_REVOKED" | "NEVER_SETTLED" | "RESULT_MISSING";
                /**
                 * Format: date-time
                 * @description ISO 8601, UTC.
                 */
                from: string;
                /**
                 * Format: date-time
                 * @description ISO 8601, UTC.
                 */
                to: string;
            };
            /** @description How many jobs have been redriven so far, except jobs of a page during which the function crashed. */
            redriven: number;
            /** @description How many jobs were skipped because they were claimed or changed meanwhile, or their parameters or metadata were deleted. */
            skipped: number;
            /** @description How many jobs were left unchanged because of an internal fault. Another redrive includes them. */
            failed: number;
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            createdAt: string;
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            updatedAt: string;
            links: {
                /** @description The path of this redrive, relative to this API. */
                self: string;
            };
        };
        RedriveCount: {
            /** @description Number of jobs that would be redriven; if `truncated`, of those counted. */
            matched: number;
            /** @description Whether counting stopped early, at 10,000 jobs or after 20 seconds. There may be more jobs. */
            truncated: boolean;
            /**
             * @deprecated
             * @description Same as truncated.
             */
            more: boolean;
        };
        /** @description Another redrive of the caller is running (RFC 9457). */
        RedriveOpen: {
            /** @constant */
            type: "about:blank";
            title: string;
            status: number;
            detail: string;
            /** @description The request id. */
            instance: string;
            /** @description Each invalid field, by JSON pointer (RFC 6901). */
            errors?: {
                pointer: string;
                message: string;
            }[];
            links: {
                /** @description The path of the running redrive, relative to this API. */
                redrive: string;
            };
        };
        Health: {
            /** @constant */
            status: "ok";
            checks?: components["schemas"]["HealthChecks"];
        };
        HealthChecks: {
            /** @description Whether the job table can be read. */
            table: {
                /** @enum {string} */
                status: "ok" | "failed";
            };
            /** @description Whether scheduled sweeps run, and when the last one did. */
            sweep: {
                /** @enum {string} */
                status: "ok" | "failed";
                lastAt: string | null;
            };
        };
        /** @description The data of a provider. */
        CollectedData: {
            /** @description Id in the provider catalogue. */
            providerId: string;
            /**
             * Format: date-time
             * @description ISO 8601, UTC.
             */
            fetchedAt: string;
            /** @description The provider's response: JSON verbatim, every digit kept; other text as a string. */
            data: unknown;
        };
        /** @description Why a provider has no data. Only in jobs that are PARTIAL or unfinished. */
        CollectedError: {
            /** @description Id in the provider catalogue. */
            providerId: string;
            error: {
                /**
                 * @description Whether the provider was unavailable until the fetch deadline, or refused permanently.
                 * @enum {string}
                 */
                code: "PROVIDER_UNAVAILABLE" | "PROVIDER_REFUSED";
                /** @description Human-readable. */
                message: string;
            };
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type JobRequest = components['schemas']['JobRequest'];
export type RedriveRequest = components['schemas']['RedriveRequest'];
export type ReceivedCallback = components['schemas']['ReceivedCallback'];
export type Callback = components['schemas']['Callback'];
export type ProviderData = components['schemas']['ProviderData'];
export type ProviderError = components['schemas']['ProviderError'];
export type Accepted = components['schemas']['Accepted'];
export type Problem = components['schemas']['Problem'];
export type GatewayError = components['schemas']['GatewayError'];
export type JobPage = components['schemas']['JobPage'];
export type JobSummary = components['schemas']['JobSummary'];
export type JobStats = components['schemas']['JobStats'];
export type Job = components['schemas']['Job'];
export type ProviderState = components['schemas']['ProviderState'];
export type Deferral = components['schemas']['Deferral'];
export type Attempt = components['schemas']['Attempt'];
export type ProviderCall = components['schemas']['ProviderCall'];
export type Call = components['schemas']['Call'];
export type JobData = components['schemas']['JobData'];
export type Catalogue = components['schemas']['Catalogue'];
export type OfferedProvider = components['schemas']['OfferedProvider'];
export type Me = components['schemas']['Me'];
export type ClientPage = components['schemas']['ClientPage'];
export type ClientState = components['schemas']['ClientState'];
export type RedrivePage = components['schemas']['RedrivePage'];
export type Redrive = components['schemas']['Redrive'];
export type RedriveCount = components['schemas']['RedriveCount'];
export type RedriveOpen = components['schemas']['RedriveOpen'];
export type Health = components['schemas']['Health'];
export type HealthChecks = components['schemas']['HealthChecks'];
export type CollectedData = components['schemas']['CollectedData'];
export type CollectedError = components['schemas']['CollectedError'];
export type $defs = Record<string, never>;
export interface operations {
    postJob: {
        parameters: {
            query?: never;
            header?: {
                /** @description While the job is kept, a repeated request with the same key gets the first response again and creates no second job. */
                "idempotency-key"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "providers": [
                 *         "gas",
                 *         "internet"
                 *       ],
                 *       "callbackUrl": "https://example.com/complete"
                 *     }
                 */
                "application/json": components["schemas"]["JobRequest"];
            };
        };
        responses: {
            /** @description The job is stored and will be processed. */
            202: {
                headers: {
                    /** @description Path of the resource, relative to this API. */
                    location: string;
                    /** @description Only on repeated responses. */
                    "idempotent-replayed"?: "true";
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "jobId": "01a20b4c-cf47-716b-85d8-5343742576b8",
                     *       "status": "PENDING",
                     *       "createdAt": "2026-01-31T12:00:00.000Z",
                     *       "links": {
                     *         "self": "/jobs/01a20b4c-cf47-716b-85d8-5343742576b8",
                     *         "data": "/jobs/01a20b4c-cf47-716b-85d8-5343742576b8/data"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["Accepted"];
                };
            };
            /** @description The body is empty, not UTF-8 or not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key is missing, unknown or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is larger than the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The Content-Type is not JSON, or the body is compressed. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    listJobs: {
        parameters: {
            query?: {
                /** @description Only jobs with this status, or one of several, comma-separated. */
                status?: string;
                /** @description Only jobs that request this provider. */
                providerId?: string;
                /** @description Only jobs accepted at this time or later. ISO 8601. */
                from?: string;
                /** @description Only jobs accepted before this time. ISO 8601. */
                to?: string;
                /** @description Only jobs that are FAILED with this code. */
                failureCode?: "CALLBACK_EXHAUSTED" | "CALLBACK_GONE" | "CALLBACK_TOO_LARGE" | "CLIENT_REVOKED" | "NEVER_SETTLED" | "RESULT_MISSING";
                /** @description Only pending jobs with a failed attempt. Deferred calls and providers that are still working do not count. */
                inTrouble?: "true";
                /** @description Maximum number of jobs in a page. */
                limit?: number;
                /** @description Where the page starts: the `cursor` of the previous page. */
                cursor?: string;
                /** @description For operators only: the client to act for. By default, the caller itself. */
                clientId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "jobs": [
                     *         {
                     *           "jobId": "01a20b4c-cf47-716b-85d8-5343742576b8",
                     *           "status": "PENDING",
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "links": {
                     *             "self": "/jobs/01a20b4c-cf47-716b-85d8-5343742576b8",
                     *             "data": "/jobs/01a20b4c-cf47-716b-85d8-5343742576b8/data"
                     *           },
                     *           "phase": "FETCHING",
                     *           "providers": [
                     *             "gas",
                     *             "internet"
                     *           ],
                     *           "callbackHost": "example.com",
                     *           "endedAt": null
                     *         },
                     *         {
                     *           "jobId": "01a20b4c-cf47-716b-85d8-5343742576b8",
                     *           "status": "FAILED",
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "links": {
                     *             "self": "/jobs/01a20b4c-cf47-716b-85d8-5343742576b8",
                     *             "data": "/jobs/01a20b4c-cf47-716b-85d8-5343742576b8/data"
                     *           },
                     *           "phase": null,
                     *           "providers": [
                     *             "gas",
                     *             "internet"
                     *           ],
                     *           "callbackHost": "example.com",
                     *           "endedAt": "2026-01-31T12:00:01.500Z",
                     *           "failureCode": "CALLBACK_GONE"
                     *         }
                     *       ],
                     *       "cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["JobPage"];
                };
            };
            /** @description The API key is missing, unknown or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller is not an operator. Only operators may send `clientId` or list clients. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    getJobStats: {
        parameters: {
            query?: {
                /** @description Only jobs accepted at this time or later; by default 24 hours before `to`. ISO 8601. */
                from?: string;
                /** @description Only jobs accepted before this time; by default now, at most 31 days after `from`. ISO 8601. */
                to?: string;
                /** @description Size of a bucket. A range may have at most 200 buckets; the default is the smallest size with at most 60. */
                bucket?: "minute" | "5minutes" | "hour" | "6hours" | "day";
                /** @description For operators only: the client to act for. By default, the caller itself. */
                clientId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The counts. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "from": "2026-01-31T12:00:00.000Z",
                     *       "to": "2026-01-31T12:30:00.000Z",
                     *       "bucket": "hour",
                     *       "buckets": [
                     *         {
                     *           "from": "2026-01-31T12:00:00.000Z",
                     *           "PENDING": 2,
                     *           "COMPLETE": 120,
                     *           "PARTIAL": 1,
                     *           "FAILED": 3,
                     *           "CANCELLED": 0
                     *         }
                     *       ],
                     *       "totals": {
                     *         "PENDING": 2,
                     *         "COMPLETE": 120,
                     *         "PARTIAL": 1,
                     *         "FAILED": 3,
                     *         "CANCELLED": 0
                     *       },
                     *       "deliveredShare": 0.976,
                     *       "timeToCallbackMs": {
                     *         "p50": 812,
                     *         "p95": 3021
                     *       },
                     *       "oldestPendingAt": "2026-01-31T12:00:00.000Z",
                     *       "inTrouble": 2,
                     *       "truncated": false
                     *     }
                     */
                    "application/json": components["schemas"]["JobStats"];
                };
            };
            /** @description The API key is missing, unknown or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller is not an operator. Only operators may send `clientId` or list clients. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    getJob: {
        parameters: {
            query?: {
                /** @description For operators only: the client to act for. By default, the caller itself. */
                clientId?: string;
            };
            header?: {
                /** @description The `ETag` of an earlier response: if the job is unchanged, the response is 304. */
                "if-none-match"?: string;
            };
            path: {
                /** @description From the response of `POST /webhook`. */
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job. */
            200: {
                headers: {
                    /** @description Changes whenever the job changes. */
                    etag: string;
                    /** @description Seconds until the job is expected to change, 1 to 60. Only while the job is pending. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description Unchanged since the response with that ETag. No body. */
            304: {
                headers: {
                    /** @description Changes whenever the job changes. */
                    etag: string;
                    /** @description Seconds until the job is expected to change, 1 to 60. Only while the job is pending. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The API key is missing, unknown or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller is not an operator. Only operators may send `clientId` or list clients. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not found, or it belongs to another client. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    expungeJob: {
        parameters: {
            query?: {
                /** @description For operators only: the client to act for. By default, the caller itself. */
                clientId?: string;
            };
            header?: never;
            path: {
                /** @description From the response of `POST /webhook`. */
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The data is deleted. */
            204: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The API key is missing, unknown or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller is not an operator. Only operators may send `clientId` or list clients. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not found, or it belongs to another client. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The job is pending: cancel it first. */
            409: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    getJobData: {
        parameters: {
            query?: {
                /** @description Only the data of this provider. */
                providerId?: string;
                /** @description For operators only: the client to act for. By default, the caller itself. */
                clientId?: string;
            };
            header?: never;
            path: {
                /** @description From the response of `POST /webhook`. */
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The data. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "jobId": "01a20b4c-cf47-716b-85d8-5343742576b8",
                     *       "data": [
                     *         {
                     *           "providerId": "gas",
                     *           "fetchedAt": "2026-01-31T12:00:00.000Z",
                     *           "data": [
                     *             {
                     *               "billedOn": "2020-04-07",
                     *               "amount": 22.27
                     *             }
                     *           ]
                     *         },
                     *         {
                     *           "providerId": "internet",
                     *           "error": {
                     *             "code": "PROVIDER_UNAVAILABLE",
                     *             "message": "The provider did not return its data in time (bad_status, status 500)."
                     *           }
                     *         }
                     *       ],
                     *       "metadata": {
                     *         "orderId": "A-42"
                     *       }
                     *     }
                     */
                    "application/json": components["schemas"]["JobData"];
                };
            };
            /** @description The API key is missing, unknown or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller is not an operator. Only operators may send `clientId` or list clients. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not found, or it belongs to another client. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Gone. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    redriveJob: {
        parameters: {
            query?: {
                /** @description For operators only: the client to act for. By default, the caller itself. */
                clientId?: string;
            };
            header?: never;
            path: {
                /** @description From the response of `POST /webhook`. */
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job is pending, and in progress. */
            202: {
                headers: {
                    /** @description Path of the resource, relative to this API. */
                    location: string;
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "jobId": "01a20b4c-cf47-716b-85d8-5343742576b8",
                     *       "status": "PENDING",
                     *       "createdAt": "2026-01-31T12:00:00.000Z",
                     *       "links": {
                     *         "self": "/jobs/01a20b4c-cf47-716b-85d8-5343742576b8",
                     *         "data": "/jobs/01a20b4c-cf47-716b-85d8-5343742576b8/data"
                     *       },
                     *       "phase": "FETCHING",
                     *       "providers": [
                     *         "gas",
                     *         "internet"
                     *       ],
                     *       "callbackHost": "example.com",
                     *       "endedAt": null
                     *     }
                     */
                    "application/json": components["schemas"]["JobSummary"];
                };
            };
            /** @description The API key is missing, unknown or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller is not an operator. Only operators may send `clientId` or list clients. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not found, or it belongs to another client. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The job is in progress (with Retry-After), or its parameters or metadata were deleted. */
            409: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    cancelJob: {
        parameters: {
            query?: {
                /** @description For operators only: the client to act for. By default, the caller itself. */
                clientId?: string;
            };
            header?: never;
            path: {
                /** @description From the response of `POST /webhook`. */
                jobId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The job is cancelled. */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "jobId": "01a20b4c-cf47-716b-85d8-5343742576b8",
                     *       "status": "CANCELLED",
                     *       "createdAt": "2026-01-31T12:00:00.000Z",
                     *       "links": {
                     *         "self": "/jobs/01a20b4c-cf47-716b-85d8-5343742576b8",
                     *         "data": "/jobs/01a20b4c-cf47-716b-85d8-5343742576b8/data"
                     *       },
                     *       "phase": null,
                     *       "providers": [
                     *         "gas",
                     *         "internet"
                     *       ],
                     *       "callbackHost": "example.com",
                     *       "endedAt": "2026-01-31T12:00:01.500Z"
                     *     }
                     */
                    "application/json": components["schemas"]["JobSummary"];
                };
            };
            /** @description The API key is missing, unknown or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller is not an operator. Only operators may send `clientId` or list clients. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not found, or it belongs to another client. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The job has ended, or concurrent changes prevented it (with Retry-After). */
            409: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    getCatalogue: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The providers. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "providers": [
                     *         {
                     *           "id": "gas",
                     *           "title": "Gas bills",
                     *           "parameters": {
                     *             "type": "object",
                     *             "required": [
                     *               "account"
                     *             ],
                     *             "properties": {
                     *               "account": {
                     *                 "type": "string",
                     *                 "pattern": "^[0-9]{8,12}$",
                     *                 "writeOnly": true
                     *               }
                     *             },
                     *             "additionalProperties": false
                     *           },
                     *           "circuit": "closed",
                     *           "recentCalls": {
                     *             "calls": 40,
                     *             "failures": 3,
                     *             "since": "2026-01-31T12:00:00.000Z"
                     *           }
                     *         }
                     *       ]
                     *     }
                     */
                    "application/json": components["schemas"]["Catalogue"];
                };
            };
            /** @description The API key is missing, unknown or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    getMe: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The caller. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "clientId": "01a20b4c-cf47-716b-85d8-0000000000cc",
                     *       "name": "acme",
                     *       "isOperator": false
                     *     }
                     */
                    "application/json": components["schemas"]["Me"];
                };
            };
            /** @description The API key is missing, unknown or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    listClients: {
        parameters: {
            query?: {
                /** @description Maximum number of clients in a page. */
                limit?: number;
                cursor?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "clients": [
                     *         {
                     *           "clientId": "01a20b4c-cf47-716b-85d8-0000000000cc",
                     *           "name": "acme",
                     *           "isOperator": false,
                     *           "createdAt": "2026-01-31T12:00:00.000Z",
                     *           "revokedAt": null,
                     *           "pendingJobs": 3,
                     *           "pendingJobsTruncated": false
                     *         }
                     *       ],
                     *       "cursor": null
                     *     }
                     */
                    "application/json": components["schemas"]["ClientPage"];
                };
            };
            /** @description The API key is missing, unknown or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller is not an operator. Only operators may send `clientId` or list clients. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    listRedrives: {
        parameters: {
            query?: {
                /** @description Maximum number of redrives in a page. */
                limit?: number;
                cursor?: string;
                /** @description For operators only: the client to act for. By default, the caller itself. */
                clientId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description A page. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RedrivePage"];
                };
            };
            /** @description The API key is missing, unknown or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller is not an operator. Only operators may send `clientId` or list clients. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    postRedrive: {
        parameters: {
            query?: {
                /** @description For operators only: the client to act for. By default, the caller itself. */
                clientId?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "status": "FAILED",
                 *       "dryRun": true
                 *     }
                 */
                "application/json": components["schemas"]["RedriveRequest"];
            };
        };
        responses: {
            /** @description A dry run: the number of jobs. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["RedriveCount"];
                };
            };
            /** @description The redrive is stored and will be processed. Location is its URL. */
            202: {
                headers: {
                    /** @description Path of the resource, relative to this API. */
                    location: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Redrive"];
                };
            };
            /** @description The body is empty, not UTF-8 or not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The API key is missing, unknown or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller is not an operator. Only operators may send `clientId` or list clients. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Another redrive of the caller is running. */
            409: {
                headers: {
                    /** @description Path of the running redrive. */
                    location: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["RedriveOpen"];
                };
            };
            /** @description The body is larger than the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The Content-Type is not JSON, or the body is compressed. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    getRedrive: {
        parameters: {
            query?: {
                /** @description For operators only: the client to act for. By default, the caller itself. */
                clientId?: string;
            };
            header?: never;
            path: {
                /** @description From the response of `POST /redrives`. */
                redriveId: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The redrive. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Redrive"];
                };
            };
            /** @description The API key is missing, unknown or revoked. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The caller is not an operator. Only operators may send `clientId` or list clients. */
            403: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not found, or it belongs to another client. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    complete: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "jobId": "01a20b4c-cf47-716b-85d8-5343742576b8",
                 *       "data": [
                 *         {
                 *           "providerId": "gas",
                 *           "fetchedAt": "2026-01-31T12:00:00.000Z",
                 *           "data": [
                 *             {
                 *               "billedOn": "2020-04-07",
                 *               "amount": 22.27
                 *             }
                 *           ]
                 *         },
                 *         {
                 *           "providerId": "internet",
                 *           "error": {
                 *             "code": "PROVIDER_UNAVAILABLE",
                 *             "message": "The provider did not return its data in time (bad_status, status 500)."
                 *           }
                 *         }
                 *       ],
                 *       "metadata": {
                 *         "orderId": "A-42"
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["ReceivedCallback"];
            };
        };
        responses: {
            /** @description The callback. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        message: components["schemas"]["ReceivedCallback"];
                    };
                };
            };
            /** @description The body is empty, not UTF-8 or not JSON. */
            400: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The signature is missing or wrong, or its timestamp is too old. */
            401: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Not found, or it belongs to another client. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The body is larger than the limit. */
            413: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The Content-Type is not JSON, or the body is compressed. */
            415: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: {
                /** @description Also checks the table and the sweeps. */
                deep?: "1";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Healthy. */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    /**
                     * @example {
                     *       "status": "ok"
                     *     }
                     */
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Unhealthy: `checks` says why. */
            503: {
                headers: {
                    "retry-after": string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": {
                        /** @constant */
                        type: "about:blank";
                        title: string;
                        status: number;
                        detail: string;
                        /** @description The request id. */
                        instance: string;
                        /** @description Each invalid field, by JSON pointer (RFC 6901). */
                        errors?: {
                            pointer: string;
                            message: string;
                        }[];
                        checks: components["schemas"]["HealthChecks"];
                    };
                };
            };
        };
    };
    getConsole: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `ETag` of a stored page. */
                "if-none-match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    /** @description Changes whenever the page changes. */
                    etag: string;
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description The page has not changed. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    getOpenApi: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `etag` of the version that the client has. */
                "if-none-match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OpenAPI 3.1. */
            200: {
                headers: {
                    /** @description Changes whenever the file changes. */
                    etag: string;
                    vary: "accept-encoding";
                    [name: string]: unknown;
                };
                content: {
                    "application/json": {
                        openapi: string;
                    } & {
                        [key: string]: unknown;
                    };
                };
            };
            /** @description Not modified: the client has this version. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    getDocs: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `etag` of the version that the client has. */
                "if-none-match"?: string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The page. */
            200: {
                headers: {
                    /** @description Changes whenever the file changes. */
                    etag: string;
                    vary: "accept-encoding";
                    [name: string]: unknown;
                };
                content: {
                    "text/html": string;
                };
            };
            /** @description Not modified: the client has this version. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    getDocsAsset: {
        parameters: {
            query?: never;
            header?: {
                /** @description The `etag` of the version that the client has. */
                "if-none-match"?: string;
            };
            path: {
                /** @description From the page of `GET /docs`. */
                asset: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description The script. */
            200: {
                headers: {
                    /** @description Changes whenever the file changes. */
                    etag: string;
                    vary: "accept-encoding";
                    [name: string]: unknown;
                };
                content: {
                    "text/javascript": string;
                };
            };
            /** @description Not modified: the client has this version. */
            304: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Not found, or it belongs to another client. */
            404: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description The request is well-formed but invalid: `errors` lists each invalid field. Unknown query parameters are invalid. */
            422: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Too many requests: throttled by API Gateway, or above the rate of this client. */
            429: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
            /** @description Internal error. It is safe to retry. */
            500: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
            /** @description Temporarily unavailable. */
            503: {
                headers: {
                    /** @description Seconds to wait before the next request. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                    "application/json": components["schemas"]["GatewayError"];
                };
            };
        };
    };
    callback: {
        parameters: {
            query?: never;
            header: {
                /** @description The id of the job, or of its redrive (`<jobId>_r<n>`). It is the same for all attempts to deliver one body. Use it to detect duplicates. */
                "webhook-id": string;
                /** @description Time of this attempt, seconds since 1970. Reject old timestamps. */
                "webhook-timestamp": string;
                /** @description `v1,` and the base64 HMAC-SHA256 of `<webhook-id>.<webhook-timestamp>.<raw body>` with the signing secret of the client. During a rotation, one signature per live secret, separated by spaces. */
                "webhook-signature": string;
                /** @description `Boomerang/<version>` */
                "user-agent": string;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                /**
                 * @example {
                 *       "jobId": "01a20b4c-cf47-716b-85d8-5343742576b8",
                 *       "data": [
                 *         {
                 *           "providerId": "gas",
                 *           "fetchedAt": "2026-01-31T12:00:00.000Z",
                 *           "data": [
                 *             {
                 *               "billedOn": "2020-04-07",
                 *               "amount": 22.27
                 *             }
                 *           ]
                 *         },
                 *         {
                 *           "providerId": "internet",
                 *           "error": {
                 *             "code": "PROVIDER_UNAVAILABLE",
                 *             "message": "The provider did not return its data in time (bad_status, status 500)."
                 *           }
                 *         }
                 *       ],
                 *       "metadata": {
                 *         "orderId": "A-42"
                 *       }
                 *     }
                 */
                "application/json": components["schemas"]["Callback"];
            };
        };
        responses: {
            /** @description The receiver is gone: the job ends FAILED. A header `webhook-delivery: abort-message` has the same effect. */
            410: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The callback is retried later, as after 503 or any failure with Retry-After. */
            429: {
                headers: {
                    /** @description Seconds or a date: the earliest retry. */
                    "retry-after"?: string;
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description Delivered. The body of the response is discarded. */
            "2XX": {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
            /** @description The callback is retried according to its schedule. */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content?: never;
            };
        };
    };
}
