/** Describes what the card uses of Home Assistant's user interface. */

type Listener = () => void;

export interface Connection {
  connected: boolean;
  addEventListener(name: "ready" | "disconnected", listener: Listener): void;
  removeEventListener(name: "ready" | "disconnected", listener: Listener): void;
  sendMessagePromise(request: object): Promise<any>;
  subscribeMessage(
    onMessage: (message: any) => void,
    request: object,
    options: { resubscribe: boolean },
  ): Promise<() => Promise<void>>;
}

export interface Device {
  id: string;
  name: string | null;
  name_by_user: string | null;
  config_entry_id: string | null;
  disabled_by: string | null;
  /** `service` where it stands for a project. */
  entry_type: string | null;
}

export interface Locale {
  language: string;
  time_format: string;
  time_zone: string;
}

export interface HomeAssistant {
  connection: Connection;
  devices: Record<string, Device>;
  locale: Locale;
  config: { time_zone: string };
  callWS(request: object): Promise<any>;
}

interface CustomCard {
  type: string;
  name: string;
  description: string;
  preview: boolean;
  documentationURL: string;
}

declare global {
  interface HTMLElementTagNameMap {
    "ha-card": HTMLElement;
    "ha-icon": HTMLElement;
  }

  interface Window {
    customCards?: CustomCard[];
    /** Missing before Home Assistant's code has run, and on Cast. */
    hassConnection?: Promise<{ conn: Connection }>;
    /** Set by what loads the card. */
    isGoliothLogCardLoading?: boolean;
    /** Defined by `legacy.js` in browsers that know `import()`. */
    goliothImport?: (url: string) => Promise<unknown>;
  }
}
