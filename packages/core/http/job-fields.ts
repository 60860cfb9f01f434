import * as z from 'zod';
import { FAILURE_CODES, JOB_STATUSES } from '../domain/job.ts';

/** Fields of both requests and responses. Separate from `job-schema.ts`, so that functions load only what they use. */

export const jobIdSchema = z.uuid();

export const jobStatusSchema = z.enum(JOB_STATUSES, `Must be one of ${JOB_STATUSES.join(', ')}`);

export const failureCodeSchema = z.enum(FAILURE_CODES, `Must be one of ${FAILURE_CODES.join(', ')}`);
