/**
 * HubSpot's own client, with a request that can be ended.
 *
 * `Client.apiRequest` of @hubspot/api-client 14 is two steps: a `Request` that builds the URL, the authorization and the
 * user agent, and a call of the global `fetch` without a signal. So a call that got no answer would hang for as long as
 * the platform lets it, and a redirect would be followed with the token. The first step is used as it is; the second is
 * ours. Loading `Request` alone also leaves out 18 MB of generated APIs that nothing here calls, and with them the
 * client's own retries and limiter, which are global to the process and know neither 423 nor a network error.
 */
import type { IHttpOptions } from '@hubspot/api-client/lib/src/services/http/IHttpOptions.js';

interface SignalledOptions extends IHttpOptions {
  readonly signal: AbortSignal;
}

export interface HubSpotClient {
  /** Rejects as `fetch` does; a 3xx is an answer, not a new request. */
  apiRequest(options: SignalledOptions): Promise<Response>;
}

export interface ClientOptions {
  readonly token: string;
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
}

/** Loads the client on first use, so that commands that never call HubSpot do not pay for it. */
export async function openClient(options: ClientOptions): Promise<HubSpotClient> {
  const { Request } = await import('@hubspot/api-client/lib/src/services/http/Request.js');
  const config = { accessToken: options.token, basePath: options.baseUrl.replace(/\/+$/, '') };
  return {
    apiRequest({ signal, ...rest }) {
      const built = new Request(config, rest);
      // 'manual' hands a 3xx to the caller: the token never travels to another host, and the status is seen.
      return options.fetch(built.getUrl(), { ...built.getSendData(), signal, redirect: 'manual' });
    },
  };
}
