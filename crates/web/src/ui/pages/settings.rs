//! The settings.

mod app;
mod diary;
mod history;
mod notifications;

use diario_protocol::Timestamp;
use diario_web_api::{Ask, Problem};
use leptos::prelude::*;

use super::export::ExportCard;
use super::parts::{Card, Page, Switch};
use crate::model::Place;
use crate::pwa::theme::Theme;
use crate::state::{clock, use_state};
use crate::text::{self, Language, text, tr};
use crate::ui::when;

use app::App;
use diary::{Diary, Leaving};
use history::History;
use notifications::NotificationsCard;

/// The page.
#[component]
pub(crate) fn Settings() -> impl IntoView {
    view! {
        <Page title=text("settings-title")>
            <AccountCard/>
            <NotificationsCard/>
            <LanguageCard/>
            <ThemeCard/>
            <PrivacyCard/>
            <History/>
            <ExportAll/>
            <Diary/>
            <App/>
            <Leaving/>
        </Page>
    }
}

#[component]
fn AccountCard() -> impl IntoView {
    let state = use_state();
    let name = move || state.account.read().as_ref().map(|account| account.username.clone());
    let id = move || state.account.read().as_ref().map(|account| account.account.to_string());
    view! {
        <Card title=text("settings-account")>
            <dl class="facts">
                <div>
                    <dt>{text("settings-name")}</dt>
                    <dd><bdi>{name}</bdi></dd>
                </div>
                <div>
                    <dt>{text("settings-id")}</dt>
                    <dd class="mono" dir="ltr">{id}</dd>
                </div>
            </dl>
            <a class="button" href=Place::Devices.path()>{text("devices-title")}</a>
            <a class="button" href=Place::Recovery.path()>{text("recovery-title")}</a>
        </Card>
    }
}

/// All conversations as one file, named after the account and the day.
#[component]
fn ExportAll() -> impl IntoView {
    let state = use_state();
    let name = move || {
        let account = state.account.read();
        let account = account.as_ref().map(|account| account.username.as_str()).unwrap_or_default();
        format!("{account} {}", when::local_date(Timestamp(clock())))
    };
    view! { <ExportCard of=None name=Signal::derive(name)/> }
}

#[component]
fn LanguageCard() -> impl IntoView {
    let state = use_state();
    let chosen = RwSignal::new(text::chosen());
    let choice = move |id: &'static str, language: Option<Language>| {
        let label = move || match language {
            Some(language) => language.own_name().to_owned(),
            None => tr("settings-language-system"),
        };
        view! {
            <label class="choice" lang=language.map(Language::tag)>
                <input
                    type="radio"
                    name="language"
                    id=id
                    prop:checked=move || chosen.get() == language
                    on:change=move |_| {
                        let before = chosen.get_untracked();
                        chosen.set(language);
                        leptos::task::spawn_local(async move {
                            if !text::choose(language).await {
                                chosen.try_set(before);
                                state.problem(Problem::Offline);
                            }
                        });
                    }
                />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <Card title=text("settings-language")>
            <div class="choices" role="radiogroup" aria-label=text("settings-language")>
                {choice("language-system", None)}
                {choice("language-en", Some(Language::En))}
                {choice("language-it", Some(Language::It))}
            </div>
        </Card>
    }
}

#[component]
fn ThemeCard() -> impl IntoView {
    let chosen = RwSignal::new(Theme::chosen());
    let choice = move |id: &'static str, theme: Theme, label: &'static str| {
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name="theme"
                    id=id
                    prop:checked=move || chosen.get() == theme
                    on:change=move |_| {
                        chosen.set(theme);
                        theme.choose();
                    }
                />
                <span>{text(label)}</span>
            </label>
        }
    };
    view! {
        <Card title=text("settings-theme")>
            <div class="choices" role="radiogroup" aria-label=text("settings-theme")>
                {choice("theme-system", Theme::System, "settings-theme-system")}
                {choice("theme-light", Theme::Light, "settings-theme-light")}
                {choice("theme-dark", Theme::Dark, "settings-theme-dark")}
            </div>
        </Card>
    }
}

#[component]
fn PrivacyCard() -> impl IntoView {
    let state = use_state();
    view! {
        <Card title=text("settings-privacy")>
            <Switch
                id="receipts"
                label=text("settings-receipts")
                hint=text("settings-receipts-hint")
                on=Signal::derive(move || state.settings.read().receipts)
                change=move |on| state.fire(Ask::SetReceipts(on))
            />
        </Card>
    }
}
