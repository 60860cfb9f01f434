import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { type Api, ApiError } from '../api.ts';
import type { Catalogue, Provider } from '../api-types.ts';
import { Button } from '../components/button.tsx';
import { Code } from '../components/code.tsx';
import { EmptyState, ErrorState, Skeleton } from '../components/states.tsx';
import { toast } from '../components/toast.tsx';
import { navigate } from '../navigation.ts';
import {
  bodyOf,
  CALLBACK_URL,
  type Faults,
  type Field,
  faultsOf,
  fieldsOf,
  locateErrors,
  METADATA,
  metadataKeyId,
  metadataValueId,
  type NewJob,
  PROVIDERS,
  parameterId,
  providerFieldId,
} from '../new-job/form.ts';
import { useResource } from '../resource.ts';
import { hrefTo } from '../router.ts';
import { BASE, stopViewingAs, viewAs } from '../store.ts';
import { useAction } from '../use-action.ts';
import './new-job.css';
import type { PageProps } from './page.ts';

export const NewJobPage = ({ api, params: { provider } }: PageProps) => {
  // Read once, because a form must not change while it is filled in.
  const { data, error } = useResource<Catalogue>(api, '/catalogue', { everyMs: 0 });
  const providers = data.value?.providers;
  const content = () => {
    if (viewAs.value) {
      return (
        <EmptyState title={`You view the console as ${viewAs.value.name}`}>
          <p>Jobs are posted with your own API key, so they belong to you.</p>
          <Button onClick={stopViewingAs}>Leave {viewAs.value.name}</Button>
        </EmptyState>
      );
    }
    if (providers) return <JobForm api={api} catalogue={providers} chosen={provider} />;
    return error.value ? <ErrorState error={error.value} /> : <Skeleton lines={3} height="6rem" />;
  };
  return (
    <>
      <div class="page-head">
        <h1 tabIndex={-1}>New job</h1>
      </div>
      {content()}
    </>
  );
};

/** For a local API, its own `POST /complete`, which receives callbacks. Elsewhere that route may be disabled. */
const defaultCallbackUrl = (): string =>
  /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(location.hostname) ? `${BASE}/complete` : '';

type State = { form: Signal<NewJob>; faults: Signal<Faults>; change: (part: Partial<NewJob>, id: string) => void };

const JobForm = ({ api, catalogue, chosen }: { api: Api; catalogue: Provider[]; chosen: string | undefined }) => {
  const form = useSignal<NewJob>({
    providers: catalogue.some(({ id }) => id === chosen) && chosen !== undefined ? [chosen] : [],
    parameters: {},
    callbackUrl: defaultCallbackUrl(),
    metadata: [],
  });
  const faults = useSignal<Faults>({});
  const others = useSignal<string[]>([]);
  const rejections = useSignal(0);
  const element = useRef<HTMLFormElement>(null);
  const keyOf = useRef(createKeys());
  const { isRunning, run } = useAction();

  useEffect(() => {
    if (rejections.value > 0) element.current?.querySelector<HTMLElement>('[data-fault]')?.focus();
  }, [rejections.value]);

  const change = (part: Partial<NewJob>, id: string): void => {
    form.value = { ...form.value, ...part };
    const { [id]: _, ...left } = faults.value;
    faults.value = left;
  };
  const reject = (found: Faults, unplaced: string[] = []): void => {
    faults.value = found;
    others.value = unplaced;
    rejections.value += 1;
  };
  const submit = async (): Promise<void> => {
    const found = faultsOf(form.value, catalogue);
    if (Object.keys(found).length > 0) return reject(found);
    const body = bodyOf(form.value, catalogue);
    try {
      const headers = { 'idempotency-key': keyOf.current(JSON.stringify(body)) };
      const { jobId } = await api.post<{ jobId: string }>('/webhook', body, { headers });
      toast('The job was accepted.');
      navigate(hrefTo(`/jobs/${jobId}`));
    } catch (cause) {
      const errors = cause instanceof ApiError ? (cause.problem.errors ?? []) : [];
      const located = locateErrors(form.value, errors);
      const isPlaced = Object.keys(located.faults).length > 0 || located.others.length > 0;
      reject(located.faults, isPlaced ? located.others : [cause instanceof Error ? cause.message : String(cause)]);
    }
  };
  const state = { form, faults, change };
  const count = Object.keys(faults.value).length;
  return (
    <form
      ref={element}
      class="new-job"
      noValidate
      autocomplete="off"
      onSubmit={(event) => {
        event.preventDefault();
        void run(submit);
      }}
    >
      <Providers catalogue={catalogue} {...state} />
      {form.value.providers.map((id) => {
        const provider = catalogue.find((one) => one.id === id);
        return provider && fieldsOf(provider).length > 0 && <Parameters key={id} provider={provider} {...state} />;
      })}
      <section class="card">
        <div class="card-head">
          <h2>Callback</h2>
        </div>
        <div class="card-body">
          <Labelled
            id={CALLBACK_URL}
            title="Callback URL"
            isRequired
            fault={faults.value[CALLBACK_URL]}
            hint="The data is posted there."
          >
            {(attributes) => (
              <input
                {...attributes}
                type="url"
                value={form.value.callbackUrl}
                placeholder="https://example.com/complete"
                onInput={(event) => change({ callbackUrl: event.currentTarget.value }, CALLBACK_URL)}
              />
            )}
          </Labelled>
        </div>
      </section>
      <Metadata {...state} />
      <div class="new-job-end">
        <div role="alert" class="field-error">
          {others.value.map((message) => (
            <p key={message}>{message}</p>
          ))}
          {count > 0 && <p>{count === 1 ? 'One field is wrong.' : `${count} fields are wrong.`}</p>}
        </div>
        <Button kind="primary" type="submit" busy={isRunning}>
          Post the job
        </Button>
      </div>
      <AsCurl api={api} form={form.value} catalogue={catalogue} />
    </form>
  );
};

/** Returns idempotency keys: the same one while the body is the same, so that a repeated request starts no second job. */
const createKeys = (): ((body: string) => string) => {
  let last: { body: string; key: string } | undefined;
  return (body) => {
    if (last?.body !== body) last = { body, key: crypto.randomUUID() };
    return last.key;
  };
};

const Providers = ({ catalogue, form, faults, change }: State & { catalogue: Provider[] }) => {
  const { providers } = form.value;
  const toggle = (id: string, isChosen: boolean): void =>
    change({ providers: isChosen ? [...providers, id] : providers.filter((one) => one !== id) }, PROVIDERS);
  const fault = faults.value[PROVIDERS];
  return (
    <fieldset class="card" aria-describedby="providers-fault">
      <legend class="sr-only">Providers</legend>
      <div class="card-head">
        <h2>Providers</h2>
        <span class="faint">{providers.length > 1 && `In the callback: ${providers.join(', ')}`}</span>
      </div>
      <div class="card-body">
        <div class="choices">
          {catalogue.map(({ id, title, circuit }, index) => {
            const providerFault = faults.value[providerFieldId(id)];
            return (
              <label key={id} class="choice">
                <input
                  type="checkbox"
                  checked={providers.includes(id)}
                  data-fault={providerFault !== undefined || (fault !== undefined && index === 0) ? '' : undefined}
                  onChange={(event) => toggle(id, event.currentTarget.checked)}
                />
                <span>
                  {title ?? id}
                  {title !== undefined && <span class="mono faint"> {id}</span>}
                  {circuit === 'open' && <span class="faint"> (circuit open)</span>}
                  {providerFault !== undefined && <span class="field-error"> {providerFault}</span>}
                </span>
              </label>
            );
          })}
        </div>
        <p class="field-error" id="providers-fault">
          {fault}
        </p>
      </div>
    </fieldset>
  );
};

const Parameters = ({ provider, form, faults, change }: State & { provider: Provider }) => {
  const { id, title } = provider;
  const { parameters } = form.value;
  const texts = parameters[id] ?? {};
  return (
    <fieldset class="card">
      <legend class="sr-only">Parameters of {title ?? id}</legend>
      <div class="card-head">
        <h2>{title ?? id}</h2>
      </div>
      <div class="card-body fields">
        {fieldsOf(provider).map((field) => {
          const fieldId = parameterId(id, field.name);
          return (
            <ParameterField
              key={field.name}
              id={fieldId}
              field={field}
              text={texts[field.name] ?? ''}
              fault={faults.value[fieldId]}
              onText={(text) =>
                change({ parameters: { ...parameters, [id]: { ...texts, [field.name]: text } } }, fieldId)
              }
            />
          );
        })}
      </div>
    </fieldset>
  );
};

type ParameterFieldProps = {
  id: string;
  field: Field;
  text: string;
  fault: string | undefined;
  onText: (text: string) => void;
};

const ParameterField = ({ id, field, text, fault, onText }: ParameterFieldProps) => {
  const { title, description, hint, isRequired, control, options, fallback, placeholder } = field;
  const hints = [description, hint].filter(Boolean).join(' · ');
  const defaultText = fallback === undefined ? undefined : `${fallback} (default)`;
  return (
    <Labelled id={id} title={title} isRequired={isRequired} hint={hints} fault={fault}>
      {(attributes) =>
        control === 'select' ? (
          <select {...attributes} value={text} onChange={(event) => onText(event.currentTarget.value)}>
            <option value="">{defaultText ?? (isRequired ? 'choose…' : 'not sent')}</option>
            {options.map((option) => (
              <option key={option}>{option}</option>
            ))}
          </select>
        ) : (
          <input
            {...attributes}
            type={(control === 'number' ? 'text' : control) as 'text'}
            inputMode={control === 'number' ? 'decimal' : undefined}
            autocomplete={control === 'password' ? 'new-password' : 'off'}
            spellcheck={false}
            value={text}
            placeholder={defaultText ?? placeholder}
            onInput={(event) => onText(event.currentTarget.value)}
          />
        )
      }
    </Labelled>
  );
};

type Attributes = {
  id: string;
  'aria-required': boolean;
  'aria-invalid': boolean;
  'aria-describedby': string;
  'data-fault': '' | undefined;
};
type LabelledProps = {
  id: string;
  title: string;
  isRequired?: boolean;
  hint?: string;
  fault: string | undefined;
  children: (attributes: Attributes) => preact.JSX.Element;
};

/** A field with its label. Its fault and its hint share a line, so that the page does not jump. */
const Labelled = ({ id, title, isRequired = false, hint = '', fault, children }: LabelledProps) => (
  <div class="field">
    <label htmlFor={id}>
      {title}
      {isRequired && <span class="faint"> required</span>}
    </label>
    {children({
      id,
      'aria-required': isRequired,
      'aria-invalid': fault !== undefined,
      'aria-describedby': `${id}-hint`,
      'data-fault': fault === undefined ? undefined : '',
    })}
    <p class={fault === undefined ? 'field-hint' : 'field-error'} id={`${id}-hint`}>
      {[fault, hint].filter(Boolean).join(' · ')}
    </p>
  </div>
);

const Metadata = ({ form, faults, change }: State) => {
  const { metadata } = form.value;
  const setRow = (index: number, part: Partial<(typeof metadata)[number]>, id: string): void =>
    change({ metadata: metadata.map((row, position) => (position === index ? { ...row, ...part } : row)) }, id);
  return (
    <fieldset class="card">
      <legend class="sr-only">Metadata</legend>
      <div class="card-head">
        <div>
          <h2>Metadata</h2>
          <p class="faint">Stored with the job and echoed in its callback.</p>
        </div>
        <Button onClick={() => change({ metadata: [...metadata, { key: '', value: '' }] }, METADATA)}>Add a row</Button>
      </div>
      {(metadata.length > 0 || faults.value[METADATA] !== undefined) && (
        <div class="card-body">
          {metadata.map(({ key, value }, index) => {
            const id = metadataKeyId(index);
            const fault = faults.value[id];
            return (
              <div key={index} class="metadata-row">
                <input
                  id={id}
                  aria-label={`Name ${index + 1}`}
                  aria-invalid={fault !== undefined}
                  aria-describedby={`${id}-fault`}
                  data-fault={fault === undefined ? undefined : ''}
                  placeholder="name"
                  value={key}
                  onInput={(event) => setRow(index, { key: event.currentTarget.value }, id)}
                />
                <input
                  id={metadataValueId(index)}
                  aria-label={`Value ${index + 1}`}
                  placeholder="value"
                  value={value}
                  onInput={(event) => setRow(index, { value: event.currentTarget.value }, id)}
                />
                <Button
                  kind="quiet"
                  label={`Remove row ${index + 1}`}
                  onClick={() => change({ metadata: metadata.filter((_, position) => position !== index) }, id)}
                >
                  Remove
                </Button>
                <p class="field-error" id={`${id}-fault`}>
                  {fault}
                </p>
              </div>
            );
          })}
          <p class="field-error">{faults.value[METADATA]}</p>
        </div>
      )}
    </fieldset>
  );
};

const AsCurl = ({ api, form, catalogue }: { api: Api; form: NewJob; catalogue: Provider[] }) => {
  const { callbackUrl, ...body } = bodyOf({ ...form, parameters: withoutSecrets(form, catalogue) }, catalogue);
  const json = JSON.stringify({ ...body, callbackUrl }, null, 2).replaceAll("'", String.raw`'\''`);
  const lines = [
    `curl -X POST '${api.urlOf('/webhook')}'`,
    '-H "Authorization: Bearer $API_KEY"',
    "-H 'Content-Type: application/json'",
    `-d '${json}'`,
  ];
  return (
    <details class="card as-curl">
      <summary>The same with curl</summary>
      <Code label="curl command" text={lines.join(' \\\n  ')} />
    </details>
  );
};

/** The parameters with secrets masked, because the command may be copied into chats and files. */
const withoutSecrets = ({ parameters }: NewJob, catalogue: Provider[]): NewJob['parameters'] =>
  Object.fromEntries(
    catalogue.map((provider) => {
      const secrets = fieldsOf(provider).filter(
        ({ schema, name }) => schema.writeOnly && parameters[provider.id]?.[name],
      );
      const masked = Object.fromEntries(secrets.map(({ name }) => [name, '***']));
      return [provider.id, { ...parameters[provider.id], ...masked }];
    }),
  );
