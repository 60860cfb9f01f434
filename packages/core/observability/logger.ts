import { Logger } from '@aws-lambda-powertools/logger';

/** Keys of one log line. They must not contain secrets, signatures or payloads. */
export type LogData = Record<string, unknown>;

/** A logger. Messages are constant, searchable phrases; details are keys. */
export type Log = {
  debug: (message: string, data?: LogData) => void;
  info: (message: string, data?: LogData) => void;
  warn: (message: string, data?: LogData) => void;
  error: (message: string, data?: LogData) => void;
};

/**
 * Creates the logger of a function. `POWERTOOLS_LOG_LEVEL` sets its level; `POWERTOOLS_SERVICE_NAME` is the name of the stack,
 * logged as `service`.
 */
export const createLog = (functionName: string): Log => {
  const logger = new Logger({ persistentLogAttributes: { function: functionName } });
  return {
    debug: (message, data = {}) => logger.debug(message, data),
    info: (message, data = {}) => logger.info(message, data),
    warn: (message, data = {}) => logger.warn(message, data),
    error: (message, data = {}) => logger.error(message, data),
  };
};
