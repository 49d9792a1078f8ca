//! What a management request names: the project by header, the warehouse or a thing inside by id.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::api::authorize::{Object, missing};
use crate::api::extract::no_such_warehouse;
use crate::app::App;
use crate::auth::Caller;
use crate::catalog::action::Action;
use crate::catalog::ids::{ProjectId, WarehouseId};
use crate::error::{Error, Result};
use crate::permit::Permit;
use crate::store::rows::{Project, Warehouse};

/// The project of the `x-project-id` header, else the default one.
pub struct InProject(pub ProjectId);

impl FromRequestParts<Arc<App>> for InProject {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _app: &Arc<App>) -> Result<Self> {
        let Some(value) = parts.headers.get("x-project-id") else {
            return Ok(Self(ProjectId::unnamed()));
        };
        let text = value.to_str().map_err(|_| Error::bad_request("the header x-project-id is not plain text"))?;
        ProjectId::parse(text).map(Self)
    }
}

/// Ids from the path; one that is not of its form is 400.
pub struct Ids<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for Ids<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self> {
        Path::<T>::from_request_parts(parts, app).await.map(|Path(ids)| Self(ids)).map_err(|rejection| {
            Error::BadRequest(format!("an id in the path is not as expected: {}", rejection.body_text()))
        })
    }
}

/// The project with the permit for one action on it.
pub async fn project_for(app: &App, caller: &Caller, id: &ProjectId, action: Action) -> Result<(Project, Permit)> {
    let project = project_if_there(app, caller, id).await?;
    let permit = app.authorize(caller, action, Object::Project(&project)).await?;
    Ok((project, permit))
}

/// The project, for a question that carries more.
pub async fn project_if_there(app: &App, caller: &Caller, id: &ProjectId) -> Result<Project> {
    match app.store.project(id).await? {
        Some(project) => Ok(project),
        None => {
            app.absent_project(caller, id).await?;
            Err(missing::project(id.as_str()))
        }
    }
}

/// The warehouse, active or not, with the permit for one action on it.
pub async fn warehouse_for(app: &App, caller: &Caller, id: WarehouseId, action: Action) -> Result<(Warehouse, Permit)> {
    let Some(warehouse) = app.store.warehouse(id).await? else {
        app.absent_warehouse(caller, &id.to_string(), None).await?;
        return Err(no_such_warehouse(&id.to_string()));
    };
    let permit = app.authorize(caller, action, Object::Warehouse(&warehouse)).await?;
    Ok((warehouse, permit))
}
