//! The account's devices.

use diario_protocol::{DeviceId, Timestamp};
use diario_web_api::{Ask, Connection, Device};
use leptos::ev::SubmitEvent;
use leptos::html;
use leptos::prelude::*;

use super::ago::ago;
use super::dialog::Confirm;
use super::parts::{Busy, Page};
use super::picture::{Picture, picture};
use crate::actions;
use crate::model::Place;
use crate::model::device_name::shape_of;
use crate::state::{State, use_state};
use crate::text::{text, tr, tr_args};
use crate::ui::browser;
use crate::ui::icons::{Icon, icon};

/// The page.
#[component]
pub(crate) fn Devices() -> impl IntoView {
    let state = use_state();
    // Again whenever the connection is there: only the server knows who was seen when.
    let live = Memo::new(move |_| matches!(state.status.read().connection, Connection::Live));
    Effect::new(move || {
        // A memo that nobody reads follows nothing itself.
        let _ = live.get();
        show_devices(state);
    });
    let may = Memo::new(move |_| state.account.read().as_ref().is_some_and(|account| account.primary));
    let revoking = RwSignal::new(None::<(DeviceId, String)>);
    let asked = RwSignal::new(false);
    let changing = RwSignal::new(None::<(DeviceId, String, Role)>);
    let role_asked = RwSignal::new(false);
    let ids = Memo::new(move |_| {
        let mut devices = state.devices.get().unwrap_or_default();
        devices.sort_by_key(|device| (!device.this, !device.primary, device.expired));
        devices.into_iter().map(|device| device.id).collect::<Vec<_>>()
    });
    let name_asked = move || revoking.get().map(|(_, name)| name).unwrap_or_default();
    view! {
        <Page title=text("devices-title")>
            <p class="lead">{text("devices-what")}</p>
            <Show when=move || state.devices.read().is_none()>
                <Busy what=text("devices-loading")/>
            </Show>
            <ul class="items devices">
                <For each=move || ids.get() key=|id| *id let:id>
                    <DeviceRow
                        id
                        may
                        revoke=move |name| {
                            revoking.set(Some((id, name)));
                            asked.set(true);
                        }
                        change=move |(name, role): (String, Role)| {
                            changing.set(Some((id, name, role)));
                            role_asked.set(true);
                        }
                    />
                </For>
            </ul>
            {move || if may.get() {
                view! {
                    <a class="button primary" href=Place::AddDevice.path()>
                        {picture(Picture::Add)}
                        <span>{text("devices-add")}</span>
                    </a>
                }
                .into_any()
            } else {
                view! { <p class="note">{text("devices-not-primary")}</p> }.into_any()
            }}
            <Confirm
                id="revoke"
                open=asked
                danger=true
                title=Signal::derive(move || tr_args("revoke-title", &[("name", name_asked().into())]))
                yes=text("revoke-yes")
                on_yes=move |()| if let Some((device, _)) = revoking.get_untracked() {
                    revoke(state, device);
                }
            >
                <p>{text("revoke-what")}</p>
                <p>{text("revoke-kept")}</p>
                <p>{text("revoke-rest")}</p>
            </Confirm>
            <Confirm
                id="role"
                open=role_asked
                title=Signal::derive(move || role_text(changing, Role::title))
                yes=Signal::derive(move || role_text(changing, Role::yes))
                on_yes=move |()| if let Some((device, _, role)) = changing.get_untracked() {
                    send(state, role.ask(device));
                }
            >
                <p>{move || role_text(changing, Role::what)}</p>
            </Confirm>
        </Page>
    }
}

/// What a device is to become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Main,
    InPlaceOfThis,
    Linked,
}

impl Role {
    const fn title(self) -> &'static str {
        match self {
            Self::Main => "role-main",
            Self::InPlaceOfThis => "role-hand-over",
            Self::Linked => "role-linked",
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::Main => "role-main-what",
            Self::InPlaceOfThis => "role-hand-over-what",
            Self::Linked => "role-linked-what",
        }
    }

    const fn yes(self) -> &'static str {
        match self {
            Self::Main => "devices-make-main",
            Self::InPlaceOfThis => "devices-hand-over",
            Self::Linked => "devices-make-linked",
        }
    }

    const fn ask(self, device: DeviceId) -> Ask {
        match self {
            Self::Main => Ask::MakePrimary { device, hand_over: false },
            Self::InPlaceOfThis => Ask::MakePrimary { device, hand_over: true },
            Self::Linked => Ask::MakeLinked(device),
        }
    }
}

type Changing = RwSignal<Option<(DeviceId, String, Role)>>;

fn role_text(changing: Changing, key: fn(Role) -> &'static str) -> String {
    let asked = changing.get();
    asked.map(|(_, name, role)| tr_args(key(role), &[("name", name.into())])).unwrap_or_default()
}

fn revoke(state: State, device: DeviceId) {
    send(state, Ask::Revoke(device));
}

fn send(state: State, ask: Ask) {
    leptos::task::spawn_local(async move {
        let done = actions::done(state, ask).await;
        refresh(state, done).await;
    });
}

/// Asks for the devices, for who looks at `state.devices`.
pub(super) fn show_devices(state: State) {
    leptos::task::spawn_local(refresh(state, Ok(())));
}

async fn refresh(state: State, done: Result<(), diario_web_api::Problem>) {
    let devices = match done {
        Ok(()) => actions::devices(state).await,
        Err(problem) => Err(problem),
    };
    match devices {
        Ok(devices) => state.devices.set(Some(devices)),
        Err(problem) => state.problem(problem),
    }
}

#[component]
fn DeviceRow(
    id: DeviceId,
    may: Memo<bool>,
    #[prop(into)] revoke: Callback<String>,
    #[prop(into)] change: Callback<(String, Role)>,
) -> impl IntoView {
    let state = use_state();
    let device = Memo::new(move |_| {
        let devices = state.devices.read();
        devices.as_ref()?.iter().find(|device| device.id == id).cloned()
    });
    let editing = RwSignal::new(false);
    let more = RwSignal::new(false);
    let edit_button = NodeRef::<html::Button>::new();
    let name = move || {
        let known = device.read().as_ref().map(|device| device.name.clone()).unwrap_or_default();
        if known.is_empty() { tr("devices-unnamed") } else { known }
    };
    let shape =
        Memo::new(move |_| shape_of(&device.read().as_ref().map(|d| d.name.clone()).unwrap_or_default()));
    let this = Memo::new(move |_| device.read().as_ref().is_some_and(|device| device.this));
    let primary = Memo::new(move |_| device.read().as_ref().is_some_and(|device| device.primary));
    let online = Memo::new(move |_| device.read().as_ref().is_some_and(|d| d.online && !d.expired));
    let done = move |()| {
        editing.set(false);
        request_animation_frame(move || {
            if let Some(button) = edit_button.try_get_untracked().flatten() {
                browser::focus(&button);
            }
        });
    };
    view! {
        <li class="item device">
            <span class="item-picture" class:online=online>{move || picture(Picture::of_device(shape.get()))}</span>
            <div class="item-words">
                <Show
                    when=move || editing.get()
                    fallback=move || view! {
                        <p class="item-title">
                            <bdi>{name}</bdi>
                            {move || this.get().then(|| view! { <span class="badge here">{text("devices-this")}</span> })}
                            {move || primary.get().then(|| view! {
                                <span class="badge" title=text("devices-primary-what")>{text("devices-primary")}</span>
                            })}
                        </p>
                        <p class="hint">{move || device.get().map(|device| seen(state, &device))}</p>
                        <p class="hint warning">{move || device.read().as_ref().and_then(|device| warning(state, device))}</p>
                    }
                >
                    <Rename id start=name() done/>
                </Show>
            </div>
            <Show when=move || !editing.get()>
                <div class="item-actions">
                    <button
                        type="button"
                        class="icon-button"
                        aria-label=move || tr_args("devices-more", &[("name", name().into())])
                        aria-expanded=move || more.get().to_string()
                        on:click=move |_| more.update(|more| *more = !*more)
                    >
                        {icon(Icon::More)}
                    </button>
                    <button
                        type="button"
                        class="icon-button"
                        node_ref=edit_button
                        aria-label=move || tr_args("devices-rename", &[("name", name().into())])
                        on:click=move |_| editing.set(true)
                    >
                        {picture(Picture::Edit)}
                    </button>
                    <Show when=move || may.get() && !this.get()>
                        <button
                            type="button"
                            class="button small danger"
                            aria-label=move || tr_args("devices-remove-name", &[("name", name().into())])
                            on:click=move |_| revoke.run(name())
                        >
                            {text("devices-remove")}
                        </button>
                    </Show>
                </div>
                <Show when=move || more.get()>
                    <div class="device-more">
                        <For
                            each=move || device.read().as_ref().map(|device| facts(state, device)).unwrap_or_default()
                            key=Clone::clone
                            let:fact
                        >
                            <p class="hint" dir="auto">{fact.clone()}</p>
                        </For>
                        <Show when=move || may.get() && !this.get()>
                            <div class="choices">
                                {move || if primary.get() {
                                    view! { <RoleButton name=name() role=Role::Linked change/> }.into_any()
                                } else {
                                    view! {
                                        <button
                                            type="button"
                                            class="button small"
                                            on:click=move |_| send(state, Ask::Renew(id))
                                        >
                                            {text("devices-renew")}
                                        </button>
                                        <RoleButton name=name() role=Role::Main change/>
                                        <RoleButton name=name() role=Role::InPlaceOfThis change/>
                                    }
                                    .into_any()
                                }}
                            </div>
                        </Show>
                    </div>
                </Show>
            </Show>
        </li>
    }
}

#[component]
fn RoleButton(name: String, role: Role, change: Callback<(String, Role)>) -> impl IntoView {
    view! {
        <button type="button" class="button small" on:click=move |_| change.run((name.clone(), role))>
            {text(role.yes())}
        </button>
    }
}

/// What to do about it, if there is something.
fn warning(state: State, device: &Device) -> Option<String> {
    let now = Timestamp(state.now.get());
    match device.valid_until {
        _ if device.expired => Some(tr("devices-expired")),
        Some(until) if device.ends_soon => Some(tr_args("devices-ends", &[("when", ago(until, now).into())])),
        _ if device.awaits_key => Some(tr("devices-awaits-key")),
        _ => None,
    }
}

/// Where it runs, and when it came by which other.
fn facts(state: State, device: &Device) -> Vec<String> {
    let now = Timestamp(state.now.get());
    let linked = device.linked_at.map(|at| {
        let when = ("when", ago(at, now).into());
        if device.linked_by.is_empty() {
            tr_args("devices-began", &[when])
        } else {
            tr_args("devices-linked", &[when, ("name", device.linked_by.as_str().into())])
        }
    });
    let platform = Some(device.platform.clone()).filter(|platform| !platform.is_empty());
    platform.into_iter().chain(linked).collect()
}

/// When it was last connected, and until when it may.
fn seen(state: State, device: &Device) -> String {
    let now = state.now.get();
    let seen = if device.this || device.online {
        tr("devices-online")
    } else {
        match device.last_seen {
            Some(at) => tr_args("devices-seen", &[("when", ago(at, Timestamp(now)).into())]),
            None => tr("devices-not-seen"),
        }
    };
    let validity = match device.valid_until {
        Some(until) if until.0 > now && !device.expired && !device.ends_soon => {
            Some(tr_args("devices-expires", &[("when", ago(until, Timestamp(now)).into())]))
        }
        _ => None,
    };
    match validity {
        Some(validity) => format!("{seen} · {validity}"),
        None => seen,
    }
}

#[component]
fn Rename(id: DeviceId, start: String, #[prop(into)] done: Callback<()>) -> impl IntoView {
    let state = use_state();
    let name = RwSignal::new(start);
    let node = NodeRef::<html::Input>::new();
    node.on_load(|input| {
        browser::focus(&input);
        input.select();
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let wanted = name.get_untracked().trim().to_owned();
        if !wanted.is_empty() {
            leptos::task::spawn_local(async move {
                let renamed = actions::done(state, Ask::RenameDevice { device: id, name: wanted }).await;
                refresh(state, renamed).await;
            });
        }
        done.run(());
    };
    view! {
        <form class="rename" on:submit=submit on:keydown=move |event| {
            if event.key() == "Escape" {
                event.prevent_default();
                done.run(());
            }
        }>
            <input
                class="input"
                type="text"
                dir="auto"
                maxlength="64"
                autocomplete="off"
                aria-label=text("device-name")
                bind:value=name
                node_ref=node
            />
            <button type="submit" class="button primary small">{text("rename-save")}</button>
            <button type="button" class="button small" on:click=move |_| done.run(())>{text("dialog-cancel")}</button>
        </form>
    }
}
