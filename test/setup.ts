/** No test leaves this machine: a socket to any other host fails before its name is even looked up. */
import { Socket } from 'node:net';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|::1|0\.0\.0\.0)$/;

/** The host of `connect(options)`, `connect(port, host)` or `connect(path)`; null for a local pipe. */
function hostOf(first: unknown, second: unknown): string | null {
  if (Array.isArray(first)) return hostOf(first[0], first[1]); // net.connect hands its arguments on as one list
  if (typeof first === 'object' && first !== null) {
    if ('path' in first && typeof first.path === 'string') return null;
    return 'host' in first && typeof first.host === 'string' ? first.host : 'localhost';
  }
  if (typeof first === 'string' && Number.isNaN(Number(first))) return null;
  return typeof second === 'string' ? second : 'localhost';
}

const connect = Socket.prototype.connect;

Socket.prototype.connect = function guarded(this: Socket, ...args: unknown[]): Socket {
  const host = hostOf(args[0], args[1]);
  if (host !== null && !LOOPBACK.test(host)) {
    const refusal = new Error(`a test tried to reach ${host}: only loopback is allowed`);
    process.nextTick(() => this.destroy(refusal)); // whoever asked still has to attach his listeners
    return this;
  }
  return Reflect.apply(connect, this, args);
};
