import { closeSync, openSync } from 'node:fs';
import type { Log } from '../log.ts';

export interface StopRequest {
  readonly exitCode: number;
  /** A person at a terminal stops the server, so there is no load balancer that has to notice it first. */
  readonly isAlone: boolean;
}

export interface StopRequests {
  /** Resolves with the first signal or fault that asks this process to end. */
  readonly first: Promise<StopRequest>;
}

export interface StopRequestParts {
  readonly log: Log;
  /** SIGHUP: look at the tenants again. */
  readonly reload: () => void;
  /** A second signal: end now, without waiting for requests under way. */
  readonly abandon: () => void;
}

/** Listens to signals and to uncaught errors, from now on. */
export const listenForStop = ({ log, reload, abandon }: StopRequestParts): StopRequests => {
  const terminal = isAtTerminal();
  return {
    first: new Promise((resolve) => {
      let isStopping = false;
      const stop = (request: StopRequest): void => {
        isStopping = true;
        resolve(request);
      };
      const onSignal = (signal: NodeJS.Signals): void => {
        if (isStopping) {
          abandon();
        } else {
          log.info({ signal }, 'stopping');
          stop({ exitCode: 0, isAlone: signal === 'SIGINT' });
        }
      };
      const onFault = (err: unknown): void => {
        log.fatal({ err }, 'an error that was not handled; stopping');
        stop({ exitCode: 1, isAlone: true });
      };
      process.on('SIGTERM', onSignal);
      process.on('SIGINT', onSignal);
      process.on('SIGHUP', () => {
        // SIGHUP comes either from an operator, or from a terminal that was closed and ends its programs.
        if (terminal && !isAtTerminal()) stop({ exitCode: 0, isAlone: true });
        else reload();
      });
      process.on('uncaughtException', onFault);
      process.on('unhandledRejection', onFault);
    }),
  };
};

const isAtTerminal = (): boolean => {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
};
