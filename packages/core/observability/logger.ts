import { Logger } from '@aws-lambda-powertools/logger';

/** Keys of one log line. Never a secret, a signature or a payload. */
export type LogData = Record<string, unknown>;

/** The logger of the functions. Messages are constant, searchable phrases; details are keys. */
export type Log = {
  debug: (message: string, data?: LogData) => void;
  info: (message: string, data?: LogData) => void;
  warn: (message: string, data?: LogData) => void;
  error: (message: string, data?: LogData) => void;
};

/** The logger of one function. Level: `POWERTOOLS_LOG_LEVEL`; service (the stack): `POWERTOOLS_SERVICE_NAME`. */
export const createLog = (functionName: string): Log => {
  const logger = new Logger({ persistentLogAttributes: { function: functionName } });
  return {
    debug: (message, data = {}) => logger.debug(message, data),
    info: (message, data = {}) => logger.info(message, data),
    warn: (message, data = {}) => logger.warn(message, data),
    error: (message, data = {}) => logger.error(message, data),
  };
};
