import type { Dispatcher } from 'undici';
import type { ServiceDefinition, ServiceTarget } from '../../config/gateway/gateway-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import type { TargetConnection } from './target-connection.ts';

export interface CheckedTarget {
  readonly service: ServiceDefinition;
  readonly target: ServiceTarget;
  readonly connection: TargetConnection;
}

export interface TargetHealth {
  /** True until a check fails, and always without checks. */
  isUp(service: string): boolean;
  close(): void;
}

/** One failed check may be chance. */
const failuresUntilDown = 2;

/** Checks the services that have a health path, now and every `intervalMs`, without keeping the process alive. */
export const openTargetHealth = (targets: readonly CheckedTarget[], log: Log): TargetHealth => {
  const down = new Set<string>();
  const timers = targets.flatMap((checked) => {
    const { health } = checked.target;
    if (health === undefined) return [];
    const { name } = checked.service;
    let failures = 0;
    let isAsking = false;
    const check = async (): Promise<void> => {
      if (isAsking) return;
      isAsking = true;
      const fault = await ask(checked, health.path);
      isAsking = false;
      failures = fault === undefined ? 0 : failures + 1;
      if (fault === undefined && down.delete(name)) log.info({ service: name }, 'a service is up again');
      if (failures === failuresUntilDown && !down.has(name)) {
        down.add(name);
        log.error({ service: name, err: fault }, 'a service is down and gets no requests');
      }
    };
    void check();
    const timer = setInterval(() => void check(), health.intervalMs);
    timer.unref();
    return [timer];
  });
  return {
    isUp: (service) => !down.has(service),
    close: () => {
      for (const timer of timers) clearInterval(timer);
    },
  };
};

/** The failure; undefined when the service is healthy. */
const ask = ({ target, connection }: CheckedTarget, path: string): Promise<Error | undefined> =>
  new Promise((resolve) => {
    const { url, dispatcher, basePath, serverName } = connection;
    let controller: Dispatcher.DispatchController | undefined;
    let isLate = false;
    const late = setTimeout(() => {
      isLate = true;
      resolve(new Error('it does not answer in time'));
      controller?.abort(new Error('given up'));
    }, target.timeoutMs);
    late.unref();
    dispatcher.dispatch(
      {
        path: `${basePath}${path}`,
        method: 'GET',
        headers: ['Host', url.host],
        ...definedOnly({ servername: serverName }),
      },
      {
        onRequestStart: (started) => {
          controller = started;
          if (isLate) started.abort(new Error('given up'));
        },
        onResponseStart: (_sender, statusCode) => {
          if (statusCode < 200) return;
          resolve(statusCode < 400 ? undefined : new Error(`it answers ${statusCode}`));
        },
        onResponseEnd: () => clearTimeout(late),
        onResponseError: (_sender, error) => {
          clearTimeout(late);
          resolve(error);
        },
      },
    );
  });
